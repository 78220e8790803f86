"""pytest's hooks where more than the terminal's section is asked for, or where workers are to be heard."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from ..config.hooks import Hooks
from ..config.options import is_distributed, is_worker
from ..facts.records import Phase
from ..imports.install import importable
from .account import as_values

if TYPE_CHECKING:
    from .session import Reporting

ATTRIBUTE = "heavyimports"
"""Of a worker's reports, and of its output: what it has seen since the last one."""
SPAN = "heavyimports_span"
"""Of a test's report: when it began and ended, in seconds since the epoch."""
PHASES = ("setup", "call", "teardown")


def register(config: pytest.Config, reporting: Reporting, *, has_files: bool) -> None:
    """Register what this run needs of the hooks below; *has_files* where files are asked for."""
    hooks: list[object] = [SpanHooks(reporting)] if has_files else []
    if is_worker(config):
        hooks.append(ReportingWorkerHooks(reporting))
    else:
        if is_distributed(config):
            hooks.append(ControllerHooks(reporting))
        if has_files:
            hooks.append(TestHooks(reporting))
        hooks.append(ReportHooks(reporting))
    for hook in hooks:
        config.pluginmanager.register(hook, f"heavyimports-{type(hook).__name__}")


class ReportingHooks(Hooks):
    """Hooks that gather for a report, or tell it."""

    def __init__(self, reporting: Reporting) -> None:
        self._reporting = reporting


class ReportingWorkerHooks(ReportingHooks):
    """Registered in a worker of pytest-xdist. Tells with each report, so that little is lost if the worker dies."""

    _has_told = False

    # Before pytest-xdist sends the report.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        news = self._reporting.news(is_last=False)
        if news.events or news.loads or not self._has_told:
            setattr(report, ATTRIBUTE, as_values(news))
        self._has_told = True

    # pytest-xdist sends it after all others.
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined]  # pytest-xdist's
        output[ATTRIBUTE] = as_values(self._reporting.news(is_last=True))


class ControllerHooks(ReportingHooks):
    """Registered in the controller of pytest-xdist."""

    # Before whoever asks for the account.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        news = vars(report).pop(ATTRIBUTE, None)
        if news:
            self._reporting.account_of(_worker(report)).add(news)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        output = getattr(node, "workeroutput", {})
        if ATTRIBUTE in output:
            self._reporting.account_of(node.gateway.id).add(output[ATTRIBUTE])
        elif error:
            self._reporting.account_of(node.gateway.id).died = str(error)


class SpanHooks(ReportingHooks):
    """Registered where files are asked for, in each process: times the phases by a clock that no test can freeze."""

    _begin_s = 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self._begin_s = self._reporting.now_s()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        begin_s, self._begin_s = self._begin_s, self._reporting.now_s()
        setattr(report, SPAN, [begin_s, self._begin_s])
        return report


class TestHooks(ReportingHooks):
    """Registered where files are asked for, which tell when each test ran."""

    __test__ = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when in PHASES:  # not what pytest-xdist reports of a test that its worker died in
            worker = _worker(report)
            account = self._reporting.account_of(worker) if worker else self._reporting.tests
            span = getattr(report, SPAN, (report.start, report.stop))
            begin_us, end_us = (round((at_s - account.epoch_s) * 1e6) for at_s in span)
            account.phases.append(Phase(report.nodeid, report.when, report.outcome, begin_us, end_us))


class ReportHooks(ReportingHooks):
    """Registered where somebody is to be told beside the terminal."""

    # Before pytest writes JUnit's file.
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        with importable():
            if self._reporting.has_something:
                self._reporting.tell()
        if self._reporting.failures and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        told = [*self._reporting.failures, *self._reporting.unchecked]
        if session.config.option.no_summary and told:  # the section at the end has them otherwise
            print("", *told, sep="\n")


def _worker(report: pytest.TestReport) -> str:
    node = getattr(report, "node", None)  # pytest-xdist's
    return str(node.gateway.id) if node else ""
