"""Changes of files: shown as a diff, or made."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import CommandRefused
from ..facts.files import rewrite


class Change(NamedTuple):
    """What a file is to become."""

    path: Path
    shown: str
    """Its name as it is told."""
    before: bytes
    """Empty for a new file."""
    after: bytes
    mode: int = 0o666
    """Of a new file, less the umask."""


def diff(change: Change, *, context: int = 3) -> Iterator[str]:
    """The lines of a unified diff, with *context* lines around each change."""
    before, after = (data.decode("utf-8", "replace").splitlines() for data in (change.before, change.after))
    old = f"a/{change.shown}" if change.before or change.path.exists() else "/dev/null"
    return difflib.unified_diff(before, after, old, f"b/{change.shown}", lineterm="", n=context)


def write_all(changes: Iterable[Change]) -> None:
    """
    Make the changes, new files first.

    Raises:
        CommandRefused: A file is no longer what it was when it was read, or can't be written; it and those after it are
            left as they are.
    """
    for change in sorted(changes, key=lambda change: change.path.exists()):
        try:
            is_made = rewrite(change.path, change.before, change.after) if change.path.exists() else _make(change)
        except OSError as error:
            raise CommandRefused(f"{change.shown} can't be written: {error.strerror}") from error
        if not is_made:
            raise CommandRefused(f"{change.shown} was changed meanwhile", remedy="Run the command again.")


def _make(change: Change) -> bool:
    """Make a new file; not where one was read, or where a link that leads nowhere has its name."""
    if change.before or os.path.lexists(change.path):
        return False
    with open(os.open(change.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, change.mode), "wb") as file:
        file.write(change.after)
    return True
