"""Tells pytest, in its own process, what comes from the process of an isolated test, as if that had run here."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import IsolatedTestDied
from ..process.ending import end_in_words, last_lines, lines_of_current_thread
from .others import junitxml, rerunfailures
from .reports import unpack_report, unpack_warning, warning_of_loss

if TYPE_CHECKING:
    import warnings
    from collections.abc import Iterable

    from .hosts import Message
    from .supervisor import Ended

_SUBTEST: tuple[type[pytest.TestReport], ...] = (
    (pytest.SubtestReport,) if hasattr(pytest, "SubtestReport") else ()  # since pytest 9.0
)
_OURS = str(Path(__file__).parent.parent)


class Relay:
    """Of one test."""

    def __init__(self, item: pytest.Item, limit_s: float, record: Callable[[bytes], None]) -> None:
        """
        Args:
            item: The test.
            limit_s: How long it may take.
            record: Takes what the child's ledger has got.
        """
        self._item = item
        self._limit_s = limit_s
        self._record = record
        self._start = time.perf_counter()
        self._phase = "setup"
        """The one that the process is in, or that comes next; empty after the last."""
        self._told: set[str] = set()
        """Phases of this attempt of which there has been a report."""
        self.attempts = 0
        """How often the test has begun: pytest-rerunfailures has it begin again."""
        self.is_to_run_again = False
        """Whether its process has died, and pytest-rerunfailures gives it another attempt."""
        self.is_too_late_to_begin = False
        """Whether its time was over before its first phase."""
        self._is_done = False
        self._failed_subtests = 0
        self._lost: set[str] = set()
        self._warnings: list[dict[str, Any]] = []
        self._stop: BaseException | None = None
        self.fault = ""
        """Why the test could not be run there at all."""

    def follow(self, messages: Iterable[Message]) -> None:
        """Tell all that comes. Raises what the test has raised to end the run."""
        for kind, *values in messages:
            getattr(self, f"_on_{kind}")(*values)
        if self._stop:
            raise self._stop

    def tell_warnings(self) -> None:
        """Tell the warnings: pytest does so when all else has been told."""
        for warning in self._warnings:
            self._item.ihook.pytest_warning_recorded.call_historic(kwargs=warning)

    def die(self, text: str, *, may_run_again: bool = True) -> None:
        """Tell that the test has failed in the phase that it was in, and close it."""
        when = self._phase if self._phase else "teardown"
        if when == "call" and "setup" not in self._told:  # pytest-rerunfailures tells nothing before the teardown
            self._tell(self._report_of(lambda: None, "setup")[0])
        report, excinfo = self._report_of(lambda: pytest.fail(text, pytrace=False), when)
        report.duration = time.perf_counter() - self._start
        if when == "call" and self._is_expected_to_fail():
            report.outcome, report.wasxfail = "skipped", self._reason_of_xfail()
        elif may_run_again and rerunfailures.runs_again(self._item, report, excinfo, self.attempts):
            report.outcome = "rerun"  # type: ignore[assignment]  # what pytest-rerunfailures says
            self.is_to_run_again = True
        self._tell(report)
        if when != "teardown":
            self._tell(self._report_of(lambda: None, "teardown")[0])

    def skip(self, reason: str) -> None:
        """Tell that the test was not run."""
        report, _ = self._report_of(lambda: pytest.skip(reason), "setup")
        report.longrepr = (*self._place(), f"Skipped: {reason}")
        self._tell(report)
        self._tell(self._report_of(lambda: None, "teardown")[0])

    def begin_again(self) -> None:
        """Follow another attempt."""
        self.is_to_run_again = False
        self._phase = "setup"
        self._start = time.perf_counter()

    def _on_phase(self, when: str) -> None:
        self._phase = when
        if when == "setup":
            self._told.clear()
            self.attempts += 1
            rerunfailures.count(self._item, self.attempts)

    def _on_kept(self, name: str, value: object) -> None:
        self._item.ihook.pytest_heavy_isolated_receive(item=self._item, name=name, value=value)

    def _on_unsent(self, name: str, fault: str) -> None:
        self._phase = "teardown"
        text = f"What the plugin keeps as {name!r} is lost with the process of this isolated test: {fault}."
        self.die(text, may_run_again=False)

    def _on_report(self, data: dict[str, Any], lost: list[str]) -> None:
        report = unpack_report(self._item.config, data)
        junitxml.detach(self._item.config, report)
        rerunfailures.note_for_suite(self._item, report)
        if isinstance(report, _SUBTEST):
            # pytest looks at their names here, and repr() of a repr() would not be the same.
            object.__setattr__(report.context, "kwargs", data["_subtest.context"]["kwargs"])
            # Those of unittest don't make the test fail.
            self._failed_subtests += report.failed and type(self._item).__module__ != "_pytest.unittest"
        else:
            self._phase = _after(report)
            self._count_subtests(report)
        self._tell(report)
        for text in dict.fromkeys(lost):
            if text not in self._lost:  # each phase has the user properties
                self._lost.add(text)
                self._warn(warning_of_loss(report.nodeid, text, *self._place()), "runtest", report.nodeid)

    def _on_warning(self, packed: tuple[str, str, str, str, int], when: str, nodeid: str) -> None:
        self._warn(unpack_warning(*packed), when, nodeid)

    def _on_exit(self, reason: str, returncode: int | None) -> None:
        self._stop = pytest.exit.Exception(reason, returncode)

    def _on_interrupt(self, trace: str) -> None:
        self._stop = KeyboardInterrupt(f"in the process of {self._item.nodeid}:\n{trace}")

    def _on_error(self, trace: str) -> None:
        self.die(f"pytest failed in the process of the isolated test:\n{trace}")

    def _on_done(self, shouldfail: str | bool, shouldstop: str | bool, events: bytes) -> None:
        self._is_done = True
        session = self._item.session
        if shouldfail and not session.shouldfail:
            session.shouldfail = shouldfail
        if shouldstop and not session.shouldstop:
            session.shouldstop = shouldstop
        self._record(events)

    def _on_refused(self, fault: str) -> None:
        if self._phase == "setup":
            self.fault = fault
        else:
            self.die(f"{fault[0].upper()}{fault[1:]}, and the test with it.")

    def _on_ended(self, ended: Ended) -> None:
        if not self._is_done:
            self.is_too_late_to_begin = ended.is_late and not self.attempts
            self.die(_death(self._item, ended, self._limit_s, has_begun=self.attempts > 0))

    def _count_subtests(self, report: pytest.TestReport) -> None:
        """A test whose subtests have failed has failed too: pytest counts them, in the child."""
        if self._failed_subtests and report.when == "call" and report.passed:
            report.outcome = "failed"
            report.longrepr = (
                f"contains {self._failed_subtests} failed subtest{'s' if self._failed_subtests > 1 else ''}"
            )

    def _report_of(self, run: Callable[[], None], when: Any) -> tuple[pytest.TestReport, Any]:
        """
        A report of this process, and the exception in it.

        Not by the hook ``pytest_runtest_makereport``: plugins expect in it what they have done in the phase, which was
        in the other process.
        """
        call = pytest.CallInfo.from_call(run, when)
        return pytest.TestReport.from_item_and_call(self._item, call), call.excinfo

    def _tell(self, report: pytest.TestReport) -> None:
        self._told.add(report.when or "")
        self._item.ihook.pytest_runtest_logreport(report=report)

    def _warn(self, warning: warnings.WarningMessage, when: str, nodeid: str) -> None:
        self._warnings.append({"warning_message": warning, "when": when, "nodeid": nodeid, "location": None})

    def _place(self) -> tuple[str, int]:
        file, line, _ = self._item.location
        return str(self._item.config.rootpath / file), (line or 0) + 1

    def _is_expected_to_fail(self) -> bool:
        """Whether the mark ``xfail`` says so without a condition: what has one is decided in the child."""
        mark = self._item.get_closest_marker("xfail")
        return mark is not None and not mark.args and not mark.kwargs.keys() & {"condition", "raises"}

    def _reason_of_xfail(self) -> str:
        mark = self._item.get_closest_marker("xfail")
        return str(mark.kwargs.get("reason", "")) if mark else ""


def _after(report: pytest.TestReport) -> str:
    """The phase that comes after a report; empty after the last."""
    if report.when == "setup":
        return "call" if report.passed else "teardown"
    return "teardown" if report.when == "call" else ""


def too_late(nodeid: str, what: str, trace: str, output: str = "") -> str:
    """The text of a failure: *what* took longer than it may."""
    where = lines_of_current_thread(trace, _plumbing())
    remedy = "To give it longer, set heavy_isolate_timeout."
    return str(IsolatedTestDied(nodeid, end=f"{what}, and was ended", trace=where, output=output, remedy=remedy))


def _death(item: pytest.Item, ended: Ended, limit_s: float, *, has_begun: bool) -> str:
    output = last_lines(ended.output)
    if ended.is_late:
        what = "it" if has_begun else f"starting pytest and collecting {item.path.name} in the process of the test"
        return too_late(item.nodeid, f"{what} took more than {limit_s:g} s", ended.trace, output)
    trace = lines_of_current_thread(ended.trace, _plumbing())
    return str(IsolatedTestDied(item.nodeid, end=end_in_words(ended.status), trace=trace, output=output))


def _plumbing() -> tuple[str, ...]:
    """Where pytest, what runs it, and we are: of no interest in the trace of a test."""
    packages = (sys.modules.get(name) for name in ("pytest", "_pytest", "pluggy", "xdist", "execnet"))
    places = (str(Path(package.__file__ or "").parent) for package in packages if package)
    runpy = str(Path(os.__file__).with_name("runpy.py"))  # not frozen in Python 3.10
    return (*places, _OURS, runpy)
