"""Files of users: whether one may be rewritten, and how: it keeps its links, its mode and its owner."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO


def objection_to_writing(file: Path) -> str:
    """Why a file that is there must not be rewritten; empty where it may be. The mode counts for root, too."""
    mode = file.stat().st_mode
    if not stat.S_ISREG(mode):
        return "it is not a regular file"
    return "" if mode & stat.S_IWUSR and os.access(file, os.W_OK) else "it is read-only"


def rewrite(file: Path, before: bytes, after: bytes) -> bool:
    """
    Change the content of a file in its place, as editors do: a link stays one, and so do all names of the file.

    Returns:
        Whether that was done; ``False`` where it was not *before* that stood in it.

    Raises:
        OSError: It can't be written, or the disk is full. It has what it had.
    """
    with open(file, "r+b", buffering=0) as opened:
        if opened.read() != before:
            return False
        try:
            _put(opened, after)
        except BaseException:
            _put(opened, before)
            raise
    return True


def _put(opened: IO[bytes], data: bytes) -> None:
    opened.seek(0)
    rest = memoryview(data)
    while rest:  # a disk that is nearly full takes a part
        rest = rest[opened.write(rest) :]
    opened.truncate(len(data))
