"""What the summary says of tests that could not be forked from the process that has collected them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .hosts import Message

FORKED = "were forked from a new process and collected again: the process that runs pytest can't be forked"
SPAWNED = "ran in fresh interpreters: no process could be forked"


class FreshProcesses:
    """Counts the tests, and the time until each began."""

    def __init__(self) -> None:
        self._spent_s: dict[str, list[float]] = {FORKED: [], SPAWNED: []}
        self._faults: list[str] = []
        self._where = ""

    def timed(self, how: str, messages: Iterable[Message]) -> Iterator[Message]:
        """What comes from a test; takes the time until its first phase. *how* is one of the two texts above."""
        began = time.perf_counter()
        has_begun = False
        for message in messages:
            if not has_begun and message[0] in ("phase", "ended"):
                has_begun = True
                self._spent_s[how].append(time.perf_counter() - began)
            yield message

    def explain(self, faults: list[str], where: str) -> None:
        """Why each process that could have been forked can't be, and where that of this one came about."""
        if len(faults) > len(self._faults):
            self._faults, self._where = faults, where

    def lines(self) -> list[str]:
        """For the summary; none where there was no such test."""
        found = [(how, spent_s) for how, spent_s in self._spent_s.items() if spent_s]
        if not found:
            return []
        lines = []
        for how, spent_s in found:
            tests = f"{len(spent_s)} test{'s' if len(spent_s) > 1 else ''}"
            lines.append(f"{tests} {how if len(spent_s) > 1 else how.replace('were', 'was', 1)}")
            each_s = sum(spent_s) / len(spent_s)
            lines.append(f"  cost:         {sum(spent_s):.1f} s until they began, {each_s:.1f} s each")
        here, *anew = self._faults or ["this system has no fork that would do"]
        lines.append(f"  this process: {here}" + (f" ({self._where})" if self._where else ""))
        return [*lines, *(f"  a new one:    {fault}" for fault in anew)]
