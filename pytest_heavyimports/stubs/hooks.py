"""pytest's hooks where stand-ins are used: for a whole run, or by the mark or the fixture for one test."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ..config.hooks import Hooks
from ..config.options import STUBBED_CACHE_KEY, stub_names
from ..errors import HeavyImportWarning, StandInRefused
from ..facts.places import asking_line, shown_file
from ..session import begun_session
from ..telling import tell_report
from .session import check_no_snapshots, files_of_tests, remember_names, stand_ins_of, update_committed_file

if TYPE_CHECKING:
    from types import ModuleType

    from ..session import HeavySession
    from .module import StandIn
    from .session import StandIns

REFUSALS = "heavyimports-refusals"
TestReports = Generator[None, pytest.TestReport, pytest.TestReport]


class RefusalHooks(Hooks):
    """
    Registered when a stand-in first refuses something.

    A test that has caught it, without knowing, fails: its result would be a silent lie. What needs the real module is
    skipped in a run that has a stand-in of it.
    """

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> TestReports:
        error = call.excinfo.value if call.excinfo else None
        swallowed = self._stand_ins.take_swallowed(partial(files_of_tests, item))
        has_ended = error is None or isinstance(error, (Exception, pytest.fail.Exception))  # not a skip, nor Ctrl-C
        if swallowed and has_ended and not refusal_in(error):
            swallowed.__context__ = error  # the refusal may be why the test has failed
            call.excinfo = pytest.ExceptionInfo.from_exception(swallowed)
        report = yield
        if self._stand_ins.of_run and report.failed and (refused := _reason(call, self._stand_ins)):
            file, line, _ = item.location
            _skip(report, str(item.config.rootpath / file), (line or 0) + 1, refused)
        return report


class StubbedRunHooks(Hooks):
    """Registered in a run that has stand-ins."""

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins

    def pytest_report_header(self) -> list[str]:
        """Whether names and calls are checked, which takes a look at the real module, some time."""
        return [self._header(stand_in) for stand_in in self._stand_ins.of_run.values()]

    def _header(self, stand_in: StandIn) -> str:
        if stand_in.known is not None:
            return f"stand-in: {stand_in.fullname}, names and calls are checked against {stand_in.real}"
        remedy = "name a heavy_stub_file, and write it where that is installed: pytest --heavy-stub-update"
        return f"stand-in: {stand_in.fullname}, names and calls are not checked: the real one is not known ({remedy})"

    # No wrapper: it is called for each test. Not the protocol, in which pytest-rerunfailures sets a test up repeatedly.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._stand_ins.begin_test()

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if report.failed and (refused := _reason(getattr(report, "call", None), self._stand_ins)):
            _skip(report, str(collector.path), 1, refused)
            report.result = []
        if swallowed := self._stand_ins.take_swallowed(lambda: {str(collector.path)}):
            tell_report(report, [HeavyImportWarning(_with_notes(swallowed))], collector, "restore")
        return report


class UpdateHooks(Hooks):
    """Registered where the file of real names is to be written."""

    def __init__(self, config: pytest.Config, packages: Collection[str]) -> None:
        self._config = config
        self._packages = packages
        self._told = ""

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        stubbed = {name for item in session.items for name in stub_names(item)}
        cache = getattr(self._config, "cache", None)
        remembered = cache.get(STUBBED_CACHE_KEY, []) if cache is not None else []
        try:
            file, written = update_committed_file(self._config, {*self._packages, *stubbed, *remembered})
        except OSError as error:
            self._told = f"--heavy-stub-update: {error}"
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        else:
            shown = shown_file(str(file), str(self._config.rootpath))
            self._told = f"written: {shown}: the names of {', '.join(written) or 'nothing'}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(self._told)


class OneTestHooks(Hooks):
    """Keeps a stand-in that one test has from being seen by any other."""

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins
        self._fixtures: list[tuple[pytest.FixtureDef[object], Any]] = []

    # Outermost, as the guard's: all fixtures of the test see the stand-in.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        __tracebackhide__ = True
        for name in stub_names(item):
            self.put_in(name, item)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        __tracebackhide__ = True
        arguments: dict[str, Any] = getattr(item, "funcargs", {})
        for swap in self._stand_ins.swaps:
            for name, value in arguments.items():
                arguments[name] = swap.counterpart(value, name)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        if self._stand_ins.swaps and fixturedef.scope != "function":
            self._fixtures.append((fixturedef, request))
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        __tracebackhide__ = True
        try:
            return (yield)
        finally:
            self.take_out()

    # Where pytest itself breaks the test off, there is no teardown.
    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            self.take_out()

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        cache = getattr(session.config, "cache", None)
        if cache is not None:
            remember_names(cache)

    def put_in(self, name: str, item: pytest.Item) -> ModuleType:
        """Put a stand-in in the place of a module until the test ends; the run's own, where there is one."""
        if self._stand_ins.covers(name):
            return importlib.import_module(name)
        module = self._stand_ins.put_in(name, item)
        self._let_registry_remember(False)
        return module

    def take_out(self) -> None:
        """Put everything back. A fixture of a wider scope that was set up meanwhile is set up anew by the next test."""
        if not self._stand_ins.swaps:
            return
        fixtures, self._fixtures = self._fixtures, []
        try:
            for fixturedef, request in reversed(fixtures):
                fixturedef.finish(request)
        finally:
            forgotten = self._stand_ins.take_out()
            self._let_registry_remember(True)
            if session := begun_session(self._stand_ins.config):
                session.forget(forgotten)

    def _let_registry_remember(self, is_remembering: bool) -> None:
        if session := begun_session(self._stand_ins.config):
            session.registry.is_remembering = is_remembering


one_test_key: pytest.StashKey[OneTestHooks] = pytest.StashKey()


def one_test_hooks(config: pytest.Config) -> OneTestHooks:
    """Those of the session, registered when they are first needed."""
    if one_test_key not in config.stash:
        hooks = config.stash[one_test_key] = OneTestHooks(_watched(config))
        config.pluginmanager.register(hooks, "heavyimports-stand-ins")
    return config.stash[one_test_key]


def attach(session: HeavySession) -> None:
    """Put stand-ins in the place of modules until pytest ends."""
    stand_ins = stand_ins_of(session.config)
    stand_ins.begin_run(session.settings.stub)

    def check(fullname: str) -> None:
        __tracebackhide__ = True
        if reason := stand_ins.reason(fullname):
            pytest.skip(reason)

    session.before_handing_out.append(check)
    session.at_configure.append(lambda: _watch_run(session.config, session.settings.stub))


def _watch_run(config: pytest.Config, stub: Mapping[str, str]) -> None:
    """The run has stand-ins: pytest is configured, and what is known of the real modules can be found."""
    check_no_snapshots(config, stub)
    stand_ins = _watched(config)
    stand_ins.find_names(stand_ins.of_run.values())
    config.pluginmanager.register(StubbedRunHooks(stand_ins), "heavyimports-stand-ins-of-run")


def attach_update(config: pytest.Config) -> None:
    """The run is to write the file of real names: of what is declared, and of what has stand-ins elsewhere."""
    session = begun_session(config)
    packages = list(session.packages) if session else []
    config.pluginmanager.register(UpdateHooks(config, packages), "heavyimports-stand-ins-update")


def _watched(config: pytest.Config) -> StandIns:
    """The stand-ins of a session, none of whose refusals goes unheard."""
    stand_ins = stand_ins_of(config)

    def hear() -> None:
        if not config.pluginmanager.has_plugin(REFUSALS):
            config.pluginmanager.register(RefusalHooks(stand_ins), REFUSALS)

    if stand_ins.refused:
        hear()
    else:
        stand_ins.at_first_refusal = hear
    return stand_ins


def refusal_in(error: BaseException | None) -> StandInRefused | None:
    """What a stand-in refused, where that is why an error was raised."""
    while error is not None and not isinstance(error, StandInRefused):
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return error


def _reason(call: pytest.CallInfo[Any] | None, stand_ins: StandIns) -> str:
    """What a stand-in refused, where that is why something has failed, and where it was asked."""
    error = refusal_in(call.excinfo.value) if call and call.excinfo else None
    if error is None:
        return ""
    headline, *_ = str(error).splitlines()
    asked = asking_line(error.__traceback__, str(stand_ins.config.rootpath))
    return " ".join([f"{headline} ({error.source}; asked at {asked})", *getattr(error, "__notes__", ())])


def _with_notes(error: BaseException) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def _skip(report: pytest.TestReport | pytest.CollectReport, file: str, line: int, refused: str) -> None:
    report.outcome = "skipped"
    report.longrepr = (file, line, f"Skipped: {refused}")
