"""What a block of code costs: seconds, and growth of the resident set."""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

_STATM = "/proc/self/statm"


class Cost:
    """A context manager that measures its block; exceptions pass."""

    duration_s: float
    """Seconds of wall-clock time."""
    rss_growth_bytes: int | None
    """Resident set size after the block less before it; ``None`` where the system doesn't tell it."""

    def __enter__(self) -> Self:
        self._rss = rss_bytes()
        self._start = perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.duration_s = perf_counter() - self._start
        now = rss_bytes()
        self.rss_growth_bytes = None if now is None or self._rss is None else now - self._rss


def rss_bytes() -> int | None:
    """
    The resident set size of this process in bytes, ``None`` where there is no ``/proc``.

    Reference: proc(5), ``/proc/pid/statm``: the second field, in pages.
    """
    try:
        with open(_STATM, "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
