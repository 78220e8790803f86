"""pytest's hooks in a session with heavy modules: which file has imported one while it was collected; the summary."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from .hooks import Hooks
from .imports.install import importable
from .options import STUBBED_CACHE_KEY

if TYPE_CHECKING:
    import warnings

    from .session import HeavySession


class SessionHooks(Hooks):
    """Tells the session what pytest does, and the terminal what the session has seen."""

    def __init__(self, session: HeavySession) -> None:
        self._session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        self._session.whereabouts.enter("collect", collector.nodeid)
        report = yield
        self._session.notice("collect", collector.nodeid)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, object, object]:
        self._session.notice_start(session.config)
        begin_us = self._session.clock()
        try:
            return (yield)
        finally:
            self._session.reporting.collection_us = begin_us, self._session.clock() - begin_us

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._session.reporting.items = session.items
        self._session.whereabouts.enter("after collection")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        cache = getattr(session.config, "cache", None)
        if cache is not None and cache.get(STUBBED_CACHE_KEY, None):
            with importable():
                from .stubbing import remember_names

                remember_names(cache)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        if warning_message.category.__name__ == "HeavyImportWarning":
            self._session.reporting.warnings_recorded.append(str(warning_message.message))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        self._session.reporting.is_without_warnings = not terminalreporter.hasopt("w")
        with importable():
            self._session.notice("during tests")
            if self._session.reporting.has_something:
                from .report.terminal import write_section

                write_section(terminalreporter, list(self._session.reporting.lines()))
