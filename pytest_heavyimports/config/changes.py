"""Changes of files: shown as a diff, or made."""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import CommandRefused
from ..process.environment import current_umask


class Change(NamedTuple):
    """What a file is to become."""

    path: Path
    shown: str
    """Its name as it is told."""
    before: bytes
    """Empty for a new file."""
    after: bytes


def diff(change: Change, *, context: int = 3) -> Iterator[str]:
    """The lines of a unified diff, with *context* lines around each change."""
    before, after = (data.decode("utf-8", "replace").splitlines() for data in (change.before, change.after))
    old = f"a/{change.shown}" if change.before or change.path.exists() else "/dev/null"
    return difflib.unified_diff(before, after, old, f"b/{change.shown}", lineterm="", n=context)


def write_all(changes: Iterable[Change]) -> None:
    """
    Make the changes, new files first; each file is whole at any time.

    Raises:
        CommandRefused: A file is no longer what it was when it was read; it and those after it are left as they are.
    """
    for change in sorted(changes, key=lambda change: change.path.exists()):
        is_there = change.path.exists()
        if (change.path.read_bytes() if is_there else b"") != change.before:
            raise CommandRefused(f"{change.shown} was changed meanwhile", remedy="Run the command again.")
        handle, scratch = tempfile.mkstemp(dir=change.path.parent, prefix=f".{change.path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(change.after)
            if is_there:
                shutil.copymode(change.path, scratch)
            else:
                os.chmod(scratch, 0o666 & ~current_umask())
            os.replace(scratch, change.path)
        except BaseException:
            os.unlink(scratch)
            raise
