"""The files that a run leaves, and how those of two runs differ."""

from __future__ import annotations

from pathlib import Path

from pytest_heavyimports.warm.left import Tree, differences


def test_what_has_been_written(tmp_path: Path) -> None:
    """Since the first look: made, changed or put in the place of another; virtual environments are left out."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "venv").mkdir()
    for name in ("kept", "changed", "sub/replaced", "venv/pyvenv.cfg"):
        (tmp_path / name).write_text("before")
    tree = Tree(str(tmp_path))
    assert tree.written() == {}
    (tmp_path / "changed").write_text("after it")
    (tmp_path / "new").write_text("before")
    (tmp_path / "new").replace(tmp_path / "sub" / "replaced")
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "venv" / "more").touch()
    written = tree.written()
    assert sorted(written) == ["changed", "link", "sub/replaced"]
    assert written["link"] == "a link to kept"
    assert written["changed"].startswith("8 bytes (")


def test_what_differs() -> None:
    """Between a plain and a warm run, and not between two plain ones."""
    plain = {"same": "1", "differs": "1", "chance": "1", "gone": "1"}
    again = {**plain, "chance": "2"}
    warm = {"same": "1", "differs": "2", "chance": "3", "more": "1"}
    found, unstable = differences(plain, again, warm)
    assert found == {"differs": ("1", "2"), "gone": ("1", "not there"), "more": ("not there", "1")}
    assert unstable == ["chance"]


def test_names_that_are_others_in_each_run() -> None:
    """In a directory where a second plain run has left other files, no other one is a difference."""
    found, unstable = differences({"d/1": "1", "e": "1"}, {"d/1": "1", "d/2": "1", "e": "1"}, {"d/3": "1", "e": "2"})
    assert found == {"e": ("1", "2")}
    assert unstable == ["d/1", "d/2", "d/3"]
