"""
The pages of memory that a run writes to: the child that waits for the next run has its own copies of them already.

A child shares its parent's memory until it writes to it. Then the system copies the page, which takes some
microseconds, and a run of torch writes to thousands, nearly the same each time.

Without it a run of the 17 tests of ``python -m benchmarks.warm`` takes 0.077 of a plain one in place of 0.068, which is
over the limit of 0.07 (medians of 9, torch 2.13.0, a busy machine with two cores).

Reference: proc_pid_pagemap(5), ``MADV_POPULATE_WRITE`` in madvise(2): Linux 5.14. Elsewhere nothing is copied.
"""

from __future__ import annotations

import mmap
import os
import resource
from array import array
from collections.abc import Callable, Iterable, Iterator

from .wire import join

try:  # in the warm process, so that it is nothing that a run brings in
    import ctypes
except ImportError:  # a Python that was built without it
    ctypes = None  # type: ignore[assignment]

WORTH_IT = 1000
"""So many faults of a run, and it is worth a look which pages it has written to."""
MOST_LOOKS = 5
"""Each run may write to other pages; not each is to be looked at."""
MOST_PAGES = 64 * 2**20 // mmap.PAGESIZE
"""That are copied ahead: they are the waiting child's own memory."""
MOST_OF_A_MAPPING = 2**30 // mmap.PAGESIZE
"""Larger ones are a test's own data, or an allocator's room to grow."""
_PRESENT, _OWN = 1 << 63, 1 << 56
_POPULATE_WRITE = 23


class Pages:
    """What is known of them, by number: the address over the size of a page."""

    def __init__(self) -> None:
        self._known = array("Q")
        """In order."""
        self._looks = 0

    def forget(self) -> None:
        """Something was imported: other things are written to now."""
        self._known, self._looks = array("Q"), 0

    def note(self, parts: Iterable[bytes]) -> None:
        """Take in what :meth:`report` has told."""
        self._looks += 1
        known = set(self._known)
        for first, last in (map(int, part.split(b"-")) for part in parts):
            if len(known) + last - first < MOST_PAGES:
                known.update(range(first, last + 1))
        self._known = array("Q", sorted(known))

    def report(self, faults_before: int) -> bytes:
        """
        In a run, at its end: what it has written to, as a field of a message; nothing where that is no news.

        Args:
            faults_before: :func:`faults` when it began.
        """
        if self._looks >= MOST_LOOKS or faults() - faults_before < WORTH_IT:
            return b""
        return join(f"{first}-{last}" for first, last in _in_a_row(written()))

    def copy(self, until: Callable[[], bool] = lambda: False) -> None:
        """
        In a child: write to them, and change nothing. What is no memory of this process is left out.

        Args:
            until: Whether to stop, since something else is to be done.
        """
        if ctypes is None:
            return
        madvise = ctypes.CDLL(None).madvise
        for first, last in _in_a_row(self._known):
            if until():
                return
            size = (last + 1 - first) * mmap.PAGESIZE
            madvise(ctypes.c_void_p(first * mmap.PAGESIZE), ctypes.c_size_t(size), _POPULATE_WRITE)


def faults() -> int:
    """How often the system had to give this process a page, or a copy of one."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def written() -> Iterator[int]:
    """The numbers of the pages that this process shares with no other, of its private memory that can be written to."""
    with open("/proc/self/maps", "rb") as maps, open("/proc/self/pagemap", "rb", buffering=0) as facts:
        for line in maps:
            addresses, mode, *_ = line.split(None, 2)
            if mode == b"rw-p":
                first, end = (int(address, 16) // mmap.PAGESIZE for address in addresses.split(b"-"))
                if end - first > MOST_OF_A_MAPPING:
                    continue
                entries = memoryview(os.pread(facts.fileno(), (end - first) * 8, first * 8)).cast("Q")
                for number, entry in enumerate(entries, first):
                    if entry & _PRESENT and entry & _OWN:
                        yield number


def _in_a_row(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of those that follow upon each other."""
    first = last = -1
    for number in numbers:
        if number != last + 1:
            if last >= 0:
                yield first, last
            first = number
        last = number
    if last >= 0:
        yield first, last
