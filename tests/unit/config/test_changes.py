"""Changes of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_heavyimports import CommandRefused
from pytest_heavyimports.config.changes import Change, diff, write_all


def test_a_diff_names_old_and_new(tmp_path: Path) -> None:
    """A new file has no old one."""
    file = tmp_path / "a.py"
    file.write_text("x\n", encoding="utf-8")
    lines = ["--- a/a.py", "+++ b/a.py", "@@ -1 +1 @@", "-x", "+y"]
    assert list(diff(Change(file, "a.py", b"x\n", b"y\n"))) == lines
    assert next(diff(Change(tmp_path / "new.py", "new.py", b"", b"y\n"))) == "--- /dev/null"


def test_files_are_changed_and_made(tmp_path: Path) -> None:
    """One that is there keeps its mode; nothing else is left in the folder."""
    file, new = tmp_path / "a.py", tmp_path / "b.py"
    file.write_bytes(b"x\n")
    file.chmod(0o640)
    write_all([Change(file, "a.py", b"x\n", b"y\n"), Change(new, "b.py", b"", b"z\n")])
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"a.py": b"y\n", "b.py": b"z\n"}
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_file_that_was_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    """New files come first, so that no test is lost; what comes after it is left alone."""
    file, other, new = tmp_path / "a.py", tmp_path / "b.py", tmp_path / "c.py"
    file.write_bytes(b"mine\n")
    other.write_bytes(b"x\n")
    changes = [Change(each, each.name, b"" if each == new else b"x\n", b"y\n") for each in (file, other, new)]
    with pytest.raises(CommandRefused) as refused:
        write_all(changes)
    assert str(refused.value) == "a.py was changed meanwhile. Run the command again."
    assert [each.read_bytes() for each in (file, other, new)] == [b"mine\n", b"x\n", b"y\n"]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_new_file_that_is_there_is_refused(tmp_path: Path) -> None:
    """It is somebody's."""
    file = tmp_path / "a.py"
    file.write_bytes(b"mine\n")
    with pytest.raises(CommandRefused):
        write_all([Change(file, "a.py", b"", b"y\n")])
    assert file.read_bytes() == b"mine\n"


def test_a_new_file_does_not_take_the_place_of_a_link(tmp_path: Path) -> None:
    """Nor is one made where the link leads, which is nowhere yet."""
    link = tmp_path / "a.py"
    link.symlink_to("nowhere.py")
    with pytest.raises(CommandRefused):
        write_all([Change(link, "a.py", b"", b"y\n")])
    assert [each.name for each in tmp_path.iterdir()] == ["a.py"]


def test_what_cannot_be_written_is_refused_with_the_reason(tmp_path: Path) -> None:
    """A folder that has gone meanwhile, here."""
    with pytest.raises(CommandRefused) as refused:
        write_all([Change(tmp_path / "gone/a.py", "gone/a.py", b"", b"y\n")])
    assert str(refused.value) == "gone/a.py can't be written: No such file or directory."
