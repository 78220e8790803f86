"""Turns: how many tests use the devices at once, over all workers of a run."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def taking_turn(file: Path, turn: int) -> Iterator[None]:
    """
    Wait until no other process has this turn, and have it inside.

    A turn is a byte of a file, locked: the system gives it back however the process ends, and nothing that a test has
    started inherits it.
    """
    with file.open("ab") as opened:
        fcntl.lockf(opened, fcntl.LOCK_EX, 1, turn)
        yield
