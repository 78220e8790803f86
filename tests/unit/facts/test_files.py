"""Files of users that are rewritten."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from pytest_heavyimports.facts.files import objection_to_writing, rewrite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a line in it."""
    file = tmp_path / "a.py"
    file.write_bytes(b"x = 1\n")
    return file


def test_links_stay_and_lead_to_what_was_written(file: Path) -> None:
    """A hard one, a symbolic one, and the mode; nothing else is left in the folder."""
    hard, soft = file.with_name("hard.py"), file.with_name("soft.py")
    hard.hardlink_to(file)
    soft.symlink_to("a.py")
    file.chmod(0o751)
    assert rewrite(soft, b"x = 1\n", b"y\n")
    assert soft.is_symlink()
    assert hard.samefile(file)
    assert hard.read_bytes() == file.read_bytes() == b"y\n"
    assert file.stat().st_mode & 0o777 == 0o751
    assert len(list(file.parent.iterdir())) == 3


def test_other_content_than_was_read_is_left(file: Path) -> None:
    """It is somebody's."""
    assert not rewrite(file, b"x = 2\n", b"y\n")
    assert file.read_bytes() == b"x = 1\n"


def test_a_disk_that_is_full_leaves_what_was_there(file: Path) -> None:
    """Not a part of the new text: here by a limit on the size of files, which takes a part of it, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            rewrite(file, b"x = 1\n", b"y" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == b"x = 1\n"


def test_what_its_owner_cannot_write_and_what_is_no_file_is_not_written(file: Path) -> None:
    """Root could: a mode is meant for root, too."""
    assert objection_to_writing(file) == ""
    file.chmod(0o444)
    assert objection_to_writing(file) == "it is read-only"
    os.mkfifo(file.with_name("fifo"))
    assert objection_to_writing(file.with_name("fifo")) == "it is not a regular file"
