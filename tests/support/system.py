"""What the system of this machine can do."""

from __future__ import annotations

import mmap

from pytest_heavyimports.warm.pages import _POPULATE_WRITE


def can_populate() -> bool:
    """Whether the system knows ``MADV_POPULATE_WRITE``."""
    memory = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        memory.madvise(_POPULATE_WRITE)
    except OSError:
        return False
    return True
