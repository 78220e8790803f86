"""What the summary says of tests that got a fresh interpreter because nothing could be forked for them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .hosts import Message


class FreshInterpreters:
    """Counts them, and the time until each test began."""

    def __init__(self) -> None:
        self._is_counted = False
        self._number = 0
        self._spent_s = 0.0
        self._faults: list[str] = []
        self._where = ""

    def begin(self, is_counted: bool, faults: list[str], where: str) -> None:
        """
        Begin with a test.

        Args:
            is_counted: Whether it gets a fresh interpreter, and has not asked for one.
            faults: Why each process that could have been forked can't be; empty texts are left out.
            where: Where that of the process that runs pytest came about.
        """
        self._is_counted = is_counted
        self._number += is_counted
        if is_counted:
            self._faults = [*filter(None, faults)]
            self._where = where

    def timed(self, messages: Iterable[Message]) -> Iterator[Message]:
        """What comes from the test; takes the time until its first phase, which a fork comes to at once."""
        began = time.perf_counter()
        has_begun = not self._is_counted
        for message in messages:
            if not has_begun and message[0] in ("phase", "ended"):
                has_begun = True
                self._spent_s += time.perf_counter() - began
            yield message

    def lines(self) -> list[str]:
        """For the summary; none where there was no such test."""
        if not self._number:
            return []
        tests = "1 test" if self._number == 1 else f"{self._number} tests"
        here, *anew = self._faults or ["this system has no fork that would do"]
        return [
            f"{tests} ran in fresh interpreters: no process could be forked",
            f"  cost:         {self._spent_s:.1f} s until they began, {self._spent_s / self._number:.1f} s each",
            f"  this process: {here}" + (f" ({self._where})" if self._where else ""),
            *(f"  a new one:    {fault}" for fault in anew),
        ]
