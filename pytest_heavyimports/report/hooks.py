"""What the report attaches to a session with heavy modules, and the terminal's section."""

from __future__ import annotations

# Imports in functions: few runs measure, are looked at by somebody, or tell more than the terminal.
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from .session import Reporting

if TYPE_CHECKING:
    import warnings

    from ..session import HeavySession


def attach(session: HeavySession) -> None:
    """Measure what is to be measured, show that a long import is under way, and tell at the end."""
    config, settings = session.config, session.settings
    reporting = Reporting(session)
    if settings.report and sys.stdout.isatty():
        from .progress import Progress

        reporting.progress = Progress(sys.stdout.fileno(), sys.stdout.encoding)
        config.add_cleanup(reporting.progress.close)
        session.around_import.append(reporting.progress.importing)
    session.around_import.append(lambda _: autoload_told(session))
    if settings.is_measured:
        measure(session, reporting)
    session.at_check.append(reporting.read_budgets)
    session.at_configure.append(lambda: tell_others(config, reporting, has_files=bool(settings.report_files)))
    config.pluginmanager.register(SectionHooks(reporting), "heavyimports-report")


def tell_others(config: pytest.Config, reporting: Reporting, *, has_files: bool) -> None:
    """Tell others than the terminal, where somebody is to be told."""
    if reporting.is_told_on:
        from .telling_hooks import register

        register(config, reporting, has_files=has_files)


def measure(session: HeavySession, reporting: Reporting) -> None:
    """Measure the loading of every module, until pytest ends."""
    from ..imports.known import KNOWN
    from ..imports.measuring import Measurer, install_measuring

    measurer = reporting.measurer = Measurer(
        session.clock, session.whereabouts.of_project, around=lambda: autoload_told(session)
    )
    session.config.add_cleanup(install_measuring(measurer).close)
    if session.settings.guard == "off":  # else what it protects is heavy
        session.also_heavy.append(lambda: [name for name in KNOWN if "." not in name])

    def tell() -> None:
        measurer.heavy = session.heavy_names()

    session.at_declaration.append(tell)


def autoload_told(session: HeavySession) -> AbstractContextManager[None]:
    """Around a heavy import: what torch loads unasked meanwhile is recorded."""
    from ..imports.autoload import watch_autoload

    return watch_autoload(session.ledger.record)


class SectionHooks(Hooks):
    """Gathers what every report has, and writes the terminal's section."""

    def __init__(self, reporting: Reporting) -> None:
        self._reporting = reporting

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        with self._reporting.collecting():
            return (yield)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._reporting.items = session.items

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        if warning_message.category.__name__ == "HeavyImportWarning":
            self._reporting.warnings_recorded.append(str(warning_message.message))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        self._reporting.write_section(terminalreporter)
