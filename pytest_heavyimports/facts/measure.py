"""What code costs: time, and growth of the resident set."""

from __future__ import annotations

import os
from importlib.machinery import BuiltinImporter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

_STATM = "/proc/self/statm"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _unfrozen_time() -> Any:
    """
    A copy of the module ``time`` that is in no namespace of a module.

    freezegun replaces the functions of ``time`` wherever a module has them, and so may any monkeypatch.
    """
    spec: Any = BuiltinImporter.find_spec("time")
    module: Any = BuiltinImporter.create_module(spec)
    BuiltinImporter.exec_module(module)
    return module


class Clock:
    """Microseconds since a process has begun to measure."""

    _time = _unfrozen_time()

    def __init__(self) -> None:
        self.read_ns: Callable[[], int] = self._time.perf_counter_ns
        self.zero_ns: int = self.read_ns()
        self.epoch_s: float = self._time.time()
        """When that was, for those who compare processes."""

    def __call__(self) -> int:
        """Now."""
        return self.of(self.read_ns())

    def of(self, at_ns: int) -> int:
        """Whole microseconds, so that sums and differences of them are exact."""
        return (at_ns - self.zero_ns) // 1000


class Cost:
    """A context manager that measures its block; exceptions pass."""

    duration_s: float
    """Seconds of wall-clock time."""
    rss_growth_bytes: int | None
    """Resident set size after the block less before it; ``None`` where the system doesn't tell it."""

    def __enter__(self) -> Self:
        self._rss = rss_bytes()
        self._clock = Clock()
        return self

    def __exit__(self, *_: object) -> None:
        self.duration_s = self._clock() / 1e6
        now = rss_bytes()
        self.rss_growth_bytes = None if now is None or self._rss is None else now - self._rss


class ResidentSet:
    """The resident set size, asked again and again: each time it takes 2 µs, where :func:`rss_bytes` takes 14."""

    MAX_AGE_NS = 1_000_000
    """How old a figure may be where it needn't be exact: no more than 0.2 % of the time is spent on asking, then."""

    def __init__(self) -> None:
        self._file: int | None = None
        self._process = -1
        self._asked_ns = 0
        self._bytes: int | None = None

    def bytes_at(self, now_ns: int, *, is_exact: bool) -> int | None:
        """The figure of *now_ns*, or one that is somewhat older; ``None`` where there is no ``/proc``."""
        if is_exact or now_ns - self._asked_ns > self.MAX_AGE_NS:
            self._asked_ns = now_ns
            self._bytes = self._ask()
        return self._bytes

    def close(self) -> None:
        """Ask no more."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _ask(self) -> int | None:
        try:
            if self._process != os.getpid():  # a forked child would be told about its parent
                self._process = os.getpid()
                self.close()
                self._file = os.open(_STATM, os.O_RDONLY | os.O_CLOEXEC)
            if self._file is None:
                return None
            return int(os.pread(self._file, 100, 0).split()[1]) * _PAGE_BYTES
        except OSError:
            return None


def rss_bytes() -> int | None:
    """
    The resident set size of this process in bytes, ``None`` where there is no ``/proc``.

    Reference: proc(5), ``/proc/pid/statm``: the second field, in pages.
    """
    try:
        with open(_STATM, "rb") as statm:
            return int(statm.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return None
