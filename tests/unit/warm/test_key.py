"""The key of a warm process, and the directory of the sockets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_heavyimports.warm import key


def test_the_same_process_has_the_same_key() -> None:
    """And a short name for it."""
    assert key.identity() == key.identity()
    assert len(key.name_of(key.identity())) == 65


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "PYTHONHASHSEED", "LD_PRELOAD", "LC_ALL", "LANG", "TORCH_LOGS"])
def test_a_variable_that_is_read_at_import_changes_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set, and set to something else."""
    keys = {key.identity()}
    for value in ("1", "2"):
        monkeypatch.setenv(name, value)
        keys.add(key.identity())
    assert len(keys) == 3


def test_any_other_variable_changes_it_within_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """C code may read it: nobody sees that. Processes of one project can be told by their names."""
    before = key.name_of(key.identity())
    monkeypatch.setenv("MINE", "1")
    after = key.name_of(key.identity())
    assert after != before
    assert key.project_of(after) == key.project_of(before)


@pytest.mark.parametrize("name", ["SHLVL", "PWD", "TERM_PROGRAM", "VSCODE_PID", "PYTEST_CURRENT_TEST"])
def test_what_shells_and_terminals_set_does_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them has other values, and no import means them."""
    before = key.identity()
    monkeypatch.setenv(name, "another")
    assert key.identity() == before


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pytest.ini", "[pytest]\nheavy_warm_ignore =\n    MY_BUILD_*\n    OTHER\n"),
        ("tox.ini", "[pytest]\nheavy_warm_ignore = MY_BUILD_* OTHER\n"),
        ("setup.cfg", "[tool:pytest]\nheavy_warm_ignore = MY_BUILD_*\n  OTHER\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\nheavy_warm_ignore = ['MY_BUILD_*', 'OTHER']\n"),
        ("pyproject.toml", "[tool.pytest]\nheavy_warm_ignore = ['MY_BUILD_*', 'OTHER']\n"),
        ("pytest.toml", "[pytest]\nheavy_warm_ignore = ['MY_BUILD_*', 'OTHER']\n"),
    ],
)
def test_variables_can_be_left_out(file: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each file and language that pytest can be configured in; the client asks no pytest for it."""
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert key.ignored(str(tmp_path)) == ("MY_BUILD_*", "OTHER")
    monkeypatch.chdir(tmp_path)
    keys = set()
    for name in ("MY_BUILD_ID", "OTHER"):
        monkeypatch.setenv(name, "1")
        keys.add(key.identity())
    assert len(keys) == 1
    monkeypatch.setenv("MINE", "1")
    assert key.identity() not in keys


@pytest.mark.parametrize(
    ("file", "text"), [("pytest.ini", "heavy_warm_ignore"), ("pyproject.toml", "heavy_warm_ignore")]
)
def test_a_file_that_can_not_be_read_leaves_nothing_out(file: str, text: str, tmp_path: Path) -> None:
    """Pytest says what is wrong with it."""
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert key.ignored(str(tmp_path)) == ()


def test_another_directory_changes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import may read what is there; one that is made anew under the same name is another one."""
    here = tmp_path / "here"
    here.mkdir()
    keys = set()
    for _ in range(2):
        monkeypatch.chdir(here)
        keys.add(key.identity())
        here.rename(tmp_path / "gone")
        here.mkdir()
    monkeypatch.chdir(tmp_path)
    assert len(keys | {key.identity()}) == 3


def test_the_project_is_the_nearest_directory_with_a_configuration(tmp_path: Path) -> None:
    """Where there is none, the directory itself."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert key.project(str(below)) == str(below)
    (tmp_path / "setup.cfg").touch()
    assert key.project(str(below)) == str(tmp_path)
    (tmp_path / "a" / "pytest.ini").touch()
    assert key.project(str(below)) == str(tmp_path / "a")


def test_the_directory_is_made_for_this_user_alone(tmp_path: Path) -> None:
    """Whatever the umask is, and those above it too."""
    path = tmp_path / "new" / "sockets"
    before = os.umask(0)
    try:
        os.close(key.open_directory(str(path)))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """Somebody else could put a socket there."""
    path = tmp_path / "sockets"
    path.mkdir()
    path.chmod(mode)
    with pytest.raises(PermissionError, match=r"sockets is not this user's alone"):
        key.open_directory(str(path))


def test_a_link_is_refused(tmp_path: Path) -> None:
    """It may lead to another directory the next time."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(OSError, match="link"):
        key.open_directory(str(tmp_path / "link"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    """Also where this user is root."""
    path = tmp_path / "sockets"
    path.mkdir(mode=0o700)
    os.chown(path, 65534, 65534)
    with pytest.raises(PermissionError):
        key.open_directory(str(path))
