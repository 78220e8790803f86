"""The guard of one session: what it is told by the import system, and what it answers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from ..errors import HeavyImportWarning, ReloadRefused, reload_ignored
from ..measure import Cost
from ..places import Whereabouts, calling_line
from ..records import Import, Reload
from .known import why_not_twice
from .policy import Protection, Verdict, judge_reload

if TYPE_CHECKING:
    from ..ledger import Ledger


class Guard:
    """Judges reloads, records first imports."""

    def __init__(
        self, mode: str, *, ledger: Ledger, whereabouts: Whereabouts, collector: AbstractContextManager[object]
    ) -> None:
        """*mode* is a value of ``heavy_guard``."""
        self.mode = mode
        self.protection = Protection({})
        self._ledger = ledger
        self._whereabouts = whereabouts
        self._collector = collector

    def protect(self, declared: Mapping[str, str]) -> None:
        """Protect these packages, each with its declaration, beside those that are known to break."""
        self.protection = Protection(declared)

    @contextmanager
    def lifted(self, lifted: bool) -> Iterator[None]:
        """Inside, the guard judges nothing if *lifted*."""
        mode = self.mode
        self.mode = "off" if lifted else mode
        try:
            yield
        finally:
            self.mode = mode

    def is_protected(self, fullname: str) -> bool:
        """Whether the guard cares for this module."""
        return self.protection.covers(fullname)

    def on_reload(self, fullname: str) -> bool:
        """True to give the module back as it is, False to let it be reloaded; or raises ReloadRefused."""
        __tracebackhide__ = True
        verdict = judge_reload(fullname, protection=self.protection, mode=self.mode)
        if verdict is Verdict.ALLOW:
            return False
        file, line = calling_line()
        place = self._whereabouts.of(file, line)
        self._ledger.record(Reload(fullname, place, refused=verdict is Verdict.REFUSE))
        first = self._ledger.first_import(fullname)
        facts = {
            "first": str(first.place) if first else "",
            "again": str(place),
            "why": why_not_twice(fullname, self.protection.declaration(fullname)),
        }
        if verdict is Verdict.REFUSE:
            raise ReloadRefused(fullname, **facts)
        warnings.warn_explicit(reload_ignored(fullname, **facts), HeavyImportWarning, file, line)
        return True

    @contextmanager
    def on_import(self, fullname: str) -> Iterator[None]:
        """Records the import that runs inside, with its place and what it costs."""
        place = self._whereabouts.of(*calling_line())
        error = ""
        cost = Cost()
        try:
            with self._collector, cost:
                yield
        except BaseException as raised:
            error = repr(raised)
            raise
        finally:
            self._ledger.record(Import(fullname, place, cost.duration_s, cost.rss_growth_bytes, error))
