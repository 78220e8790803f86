"""The key of a warm process, and the directory of the sockets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_heavyimports.warm import key


def test_the_same_process_has_the_same_key() -> None:
    """And a short name for it."""
    assert key.identity() == key.identity()
    assert len(key.name_of(key.identity())) == 32


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "PYTHONHASHSEED", "LD_PRELOAD", "LC_ALL", "LANG", "TORCH_LOGS"])
def test_a_variable_that_is_read_at_import_changes_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set, and set to something else."""
    keys = {key.identity()}
    for value in ("1", "2"):
        monkeypatch.setenv(name, value)
        keys.add(key.identity())
    assert len(keys) == 3


def test_other_variables_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run gets them as they are."""
    before = key.identity()
    monkeypatch.setenv("MINE", "1")
    assert key.identity() == before


def test_more_variables_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a star for the rest of a name."""
    monkeypatch.setenv(key.EXTENSION, "MINE_*,OTHER")
    keys = {key.identity()}
    for name in ("MINE_A", "OTHER", "MINE"):
        monkeypatch.setenv(name, "1")
        keys.add(key.identity())
    assert len(keys) == 3


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
