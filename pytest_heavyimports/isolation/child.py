"""
What the process of an isolated test does.

The protocol. Each message is a tuple whose first item says what it is; values are those that marshal can write.

To the child, by a pipe of its own: ``("run", job)``, where *job* has

- ``number``, of this test in this run;
- ``nodeid`` and ``path`` of the test, and its ``index`` among the tests that were collected; for a child that has
  collected nothing ``path`` is what it collects;
- ``next``, the same three of the next test that this child will be given, or ``None``, after which it ends;
- ``failed``, how many tests have failed so far, for ``--maxfail``;
- ``attempts``, how many of this test have died, and ``suite_reruns``, how many of all tests were run again, for
  pytest-rerunfailures;
- ``limit_s``, for its parent;

and, to a fresh interpreter, ``("heard",)`` once its parent has got hold of its output.

The end of that pipe, or SIGINT, means that no test follows: the fixtures are torn down.

From the child, by a pipe that all children share, one after the other:

- ``("report", report, lost)``, a report as pytest makes it serializable, and what could not be sent;
- ``("phase", when)``, before each phase of the test: a process that dies has died in the last;
- ``("warning", warning, when, nodeid)``;
- ``("kept", name, value)``, what another plugin keeps for the session, or ``("unsent", name, fault)``;
- ``("exit", reason, returncode)``: ``pytest.exit()`` was called, ``("interrupt", traceback)``: somebody
  raised KeyboardInterrupt, ``("error", traceback)``: a plugin failed;
- ``("output", descriptors)``, of a fresh interpreter: of the files that hold what has been captured and not reported;
- ``("done", shouldfail, shouldstop, events)``: the test is over; *events* are what the ledger has got since.

What of these doesn't come, the end of the process tells.
"""

from __future__ import annotations

import faulthandler
import os
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from ..config.hooks import Hooks
from ..process.shutdown import end
from .others import junitxml, rerunfailures
from .reports import pack_kept, pack_report, pack_warning

if TYPE_CHECKING:
    import warnings

    from .supervisor import Job
    from .wire import Wire

Where = dict[str, Any]
"""``nodeid``, ``path`` and ``index`` of a test."""

_TOLD_ONCE = (
    "pytest_runtest_logstart",
    "pytest_runtest_logreport",
    "pytest_runtest_logfinish",
    "pytest_warning_recorded",
)


class ChildHooks(Hooks):
    """Sends what pytest tells of a test, in place of telling it to the plugins: they hear of it in the parent."""

    def __init__(self, config: pytest.Config, reports: Wire) -> None:
        self._config = config
        self._reports = reports
        self._pid = os.getpid()
        self.is_running = False
        """Whether a test runs: whoever is registered is told of all earlier warnings."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send it."""
        junitxml.attach(self._config, report)
        self.send("report", *pack_report(self._config, report))

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        """Send it."""
        self.send("warning", pack_warning(warning_message), when, nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self.send("phase", "setup")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        self.send("phase", "call")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        self.send("phase", "teardown")

    def send(self, kind: str, *values: Any) -> None:
        """Send a message about the test; nothing where the test has forked, and its child comes out here."""
        if os.getpid() == self._pid and self.is_running:
            self._reports.send(kind, *values)


class Child:
    """Runs the tests that it is given, and ends the process."""

    def __init__(self, session: pytest.Session, reports: Wire, trace: int, take_events: Callable[[], bytes]) -> None:
        """
        Args:
            session: pytest's.
            reports: Where reports go.
            trace: A descriptor of the file that faulthandler writes to.
            take_events: Gives what the ledger has got since it was last asked.
        """
        self._session = session
        self._reports = reports
        self._trace = trace
        self._take_events = take_events

    def run(
        self, jobs: Wire, item_of: Callable[[Where], pytest.Item], first: tuple[Any, ...] | None = None
    ) -> NoReturn:
        """Run tests until there are no more; *first* is a message that has come already."""
        faulthandler.enable(self._trace)
        self._hooks = ChildHooks(self._session.config, self._reports)
        _tell_only(self._hooks, self._session.config)
        status = 1
        try:
            self._run_all(jobs, item_of, first or jobs.wait())
            status = 0
        except (KeyboardInterrupt, BrokenPipeError):
            pass  # the run has ended
        except BaseException:
            traceback.print_exc()
        finally:
            self._end(status)

    def _run_all(self, jobs: Wire, item_of: Callable[[Where], pytest.Item], message: tuple[Any, ...] | None) -> None:
        while message:
            job: Job = message[1]
            self._run(job, item_of)
            message = jobs.wait() if job["next"] else None

    def _run(self, job: Job, item_of: Callable[[Where], pytest.Item]) -> None:
        session, hooks = self._session, self._hooks
        hooks.is_running = True
        session.testsfailed = job["failed"]
        try:
            item, nextitem = item_of(job), item_of(job["next"]) if job["next"] else None
            rerunfailures.begin_after(item, job["attempts"], job["suite_reruns"])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            for name, value in item.ihook.pytest_heavy_isolated_send(item=item):
                hooks.send(*pack_kept(name, value))
        except pytest.exit.Exception as error:
            hooks.send("exit", str(error.msg), error.returncode)
        except KeyboardInterrupt as error:
            hooks.send("interrupt", "".join(traceback.format_exception(error)))
        except Exception:
            hooks.send("error", traceback.format_exc())
        hooks.send("done", _text(session.shouldfail), _text(session.shouldstop), self._take_events())

    def _end(self, status: int) -> NoReturn:
        """End the process, after tearing down what a test has left set up that was broken off, or expected another."""
        runner: Any = self._session.config.pluginmanager.getplugin("runner")
        try:
            runner.pytest_sessionfinish(self._session)
        finally:
            end(status)


def tell_output(config: pytest.Config, jobs: Wire, reports: Wire) -> None:
    """Tell the parent of a fresh interpreter where to read what it has written, should it die; wait until it has it."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is not None and config.getoption("capture") == "fd":
        capture.resume_global_capture()
        descriptors = os.dup(1), os.dup(2)
        capture.suspend_global_capture()
        reports.send("output", descriptors)
        jobs.wait()  # a test may end the process at once, and its descriptors with it


def _tell_only(hooks: ChildHooks, config: pytest.Config) -> None:
    """From now on these hooks, and the session's own, are told of tests and warnings, and no other plugin."""
    manager = config.pluginmanager
    others = manager.get_plugins() - {manager.getplugin("session")}
    manager.register(hooks, "heavyimports-child")
    for name in _TOLD_ONCE:
        setattr(config.hook, name, manager.subset_hook_caller(name, others))


def _text(flag: Any) -> str | bool:
    return flag if isinstance(flag, bool) else str(flag)
