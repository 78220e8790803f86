"""pytest's hooks where tests are isolated: each runs in a process of its own, and is told as if it had run here."""

from __future__ import annotations

import faulthandler
import functools
import importlib
import pickle
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import pytest

from ..config.hooks import Hooks
from ..config.options import is_worker, settings_of
from ..config.private import base_directory
from ..errors import ForkRefused
from ..facts.ledger import Ledger
from ..facts.places import is_there
from ..facts.records import Forgotten, Import
from ..imports.known import KNOWN
from ..process.forking import foreign_threads, threads_of_imports, why_not_fork
from ..session import begun_session, session_of
from .child import Child
from .fresh import FORKED, SPAWNED, FreshProcesses
from .hosts import SpawnHost, TemplateHost
from .others import junitxml, lost, refusal_of_unknown, rerunfailures, take_over_from_others, testmon, words_on_unknown
from .plan import Isolation, isolation_of, needed_modules, share_a_process
from .relay import Relay, too_late
from .reports import our_warning
from .spawn import Spawner
from .template import fork_process, give_up, go_ahead_if, is_fork_there
from .template import serve as serve_as_template

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from ..session import HeavySession
    from .child import Where
    from .hosts import Message, Pipes
    from .supervisor import Job
    from .wire import Wire

Host = Union[TemplateHost, SpawnHost]  # noqa: UP007  # at run time, 3.10 has no | for these

TIMEOUT_GRACE_S = 2.0
"""How much longer than by its mark ``timeout`` a test may run: pytest-timeout ends it from inside, if it can."""
NAME = "heavyimports-isolation"
fresh_key: pytest.StashKey[bool] = pytest.StashKey()
"""Set in an interpreter that was started for isolated tests: there they run as any test does."""
_sent_key: pytest.StashKey[int] = pytest.StashKey()
"""How many events of the ledger have been given away."""


class IsolationHooks(Hooks):
    """Runs the isolated tests."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_for_all = settings_of(config).isolate
        self._limit_s = settings_of(config).isolate_timeout
        self._timeout_s = 0.0
        """pytest-timeout's for the test that runs; 0 where there is none."""
        self._number = 0
        self._forked: Host | None = None
        self._fresh: Host | None = None
        self._spawned: Host | None = None
        self._threads = foreign_threads()
        self._fault = ""
        self._where = ""
        self._late: dict[Any, str] = {}
        """Hosts that were not ready in time, alone or for a file, with what is told of later tests."""
        self._told = FreshProcesses()
        self._words: list[str] = []
        """What is told before the first test of plugins that lose something."""
        self._is_worker = is_worker(config)
        if self._is_for_all:
            self._look_at_this_process("start-up")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if not self._fault and foreign_threads() != self._threads:
            self._threads = foreign_threads()
            self._look_at_this_process(f"{collector.nodeid} (collection)")
        return report

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._session = session
        isolated = self._isolated(session)
        if not isolated:
            return
        take_over_from_others(self._config)
        self._words = lost.words_on_lost(self._config, isolated) + words_on_unknown(self._config)
        # No worker of pytest-xdist can refuse a run; there, snapshottest deletes what other workers use anyway.
        if self._is_worker:
            return
        if fault := lost.refusal(self._config, isolated) or refusal_of_unknown(self._config):
            raise pytest.UsageError(fault)

    def pytest_report_collectionfinish(self) -> list[str]:
        return self._words

    # Innermost: pytest-cov puts the data of all processes together when the loop is over.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        if any(map(self._isolation, session.items)) and not session.config.option.collectonly:
            self._begin(session)
        try:
            return (yield)
        finally:
            for host in (self._forked, self._fresh, self._spawned):
                if host:
                    host.close()

    # First: whoever runs tests in another way (pytest-rerunfailures) does so in the child.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        isolation = self._isolation(item)
        if not isolation:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        testmon.forget(item)
        shared = nextitem if nextitem and share_a_process(isolation, self._isolation(nextitem)) else None
        limit_s = min(self._limit_s, self._timeout_s + TIMEOUT_GRACE_S) if self._timeout_s else self._limit_s
        relay = Relay(item, limit_s, self._record)
        self._run(relay, item, self._job(item, shared, limit_s), isolation)
        while relay.is_to_run_again:
            relay.begin_again()
            self._run(relay, item, {**self._job(item, shared, limit_s), "attempts": relay.attempts}, isolation)
        self._tear_down(item, nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        relay.tell_warnings()
        return True

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if lines := self._told.lines():
            terminalreporter.section("isolated tests")
            for line in lines:
                terminalreporter.write_line(line)

    def pytest_sessionfinish(self) -> None:
        """In a worker of pytest-xdist, warnings stand for what a terminal would show: they come to the controller."""
        if not self._is_worker:
            return
        for text in filter(None, ("\n  ".join(self._told.lines()), *self._words)):
            warning = our_warning(text, str(self._config.rootpath), 1)
            arguments = {"warning_message": warning, "when": "runtest", "nodeid": "", "location": None}
            self._config.hook.pytest_warning_recorded.call_historic(kwargs=arguments)

    # pytest-timeout's timer runs in the child; here it would end the whole run.
    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:
        if not self._isolation(item):
            return None
        self._timeout_s = settings.timeout
        return True

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> bool | None:
        if not self._isolation(item):
            return None
        self._timeout_s = 0.0
        return True

    def _isolated(self, session: pytest.Session) -> list[pytest.Item]:
        return [item for item in session.items if self._isolation(item)]

    def _isolation(self, item: pytest.Item) -> Isolation | None:
        return isolation_of(item, is_for_all=self._is_for_all)

    def _begin(self, session: pytest.Session) -> None:
        """Fork the template while nothing has run here; what others need as well is imported once, here."""
        config = self._config
        self._indexes = {item: index for index, item in enumerate(session.items)}
        isolated = self._isolated(session)
        others = [item for item in session.items if not self._isolation(item)]
        declared = _declared(config)
        self._needed = needed_modules(isolated, declared)
        if shared := self._needed & needed_modules(others, declared):
            import_modules(config, shared)
        self._needed |= _taken_by_statements(config)
        base_directory(config)  # made now, where all children find it, and number theirs
        if any(self._isolation(item) != Isolation("spawn") for item in isolated) and is_fork_there():
            self._look_at_this_process("collection" if self._is_for_all else "start-up or collection")
            if not self._fault:
                self._forked = TemplateHost(self._fork_template, self._limit_s)

    def _look_at_this_process(self, where: str) -> None:
        if not self._fault and (fault := why_not_fork(threads_of_imports())):
            self._fault, self._where = fault, where

    def _run(self, relay: Relay, item: pytest.Item, job: Job, isolation: Isolation) -> None:
        faults = [self._fault]
        for host in self._hosts(isolation):
            if reason := self._late.get(host) or self._late.get((host, item.path)):
                return relay.skip(reason)
            relay.fault = host.wait_until_ready()
            self._record(host.take_events())
            if host.is_late:
                self._late[host] = f"not run: {relay.fault}, of which {item.nodeid} tells"
                return relay.die(too_late(item.nodeid, relay.fault, host.trace))
            if not relay.fault:
                relay.follow(self._watched(host, isolation, host.run(job), faults))
            if relay.is_too_late_to_begin:
                self._late[host, item.path] = f"not run: {item.nodeid}, of the same file, could not begin in time"
            if not relay.fault:
                return None
            faults.append(relay.fault)
        here, *anew = [*filter(None, faults)] or ["this system has no fork that would do"]
        return relay.die(str(ForkRefused(job["nodeid"], fault=here, where=self._where, anew="; ".join(anew))))

    def _watched(
        self, host: Host, isolation: Isolation, messages: Iterator[Message], faults: list[str]
    ) -> Iterator[Message]:
        """The messages; times a test for which a cheaper way was not there."""
        if host is self._forked or isolation.method == "spawn":
            return messages
        self._told.explain([*filter(None, faults)], self._where)
        return self._told.timed(FORKED if host is self._fresh else SPAWNED, messages)

    def _hosts(self, isolation: Isolation) -> Iterator[Host]:
        """Where the test may be run, the cheapest first."""
        if isolation.method != "spawn" and is_fork_there():
            if self._forked:
                yield self._forked
            if not self._fresh:
                self._fresh = TemplateHost(self._spawner.template, self._limit_s)
            yield self._fresh
        if isolation.method != "fork":
            if not self._spawned:
                self._spawned = SpawnHost(self._spawner.child)
            yield self._spawned

    def _record(self, events: bytes) -> None:
        record_events(self._config, events)

    @functools.cached_property
    def _spawner(self) -> Spawner:
        temporary = base_directory(self._config) or Path(tempfile.gettempdir())
        return Spawner(self._config, self._needed, [name for name in KNOWN if is_there(name)], temporary)

    def _job(self, item: pytest.Item, nextitem: pytest.Item | None, limit_s: float) -> Job:
        self._number += 1
        return {
            **self._place(item),
            "number": self._number,
            "next": self._place(nextitem) if nextitem else None,
            "failed": item.session.testsfailed,
            "attempts": 0,
            "suite_reruns": rerunfailures.count_for_suite(item),
            "limit_s": limit_s,
        }

    def _place(self, item: pytest.Item) -> Where:
        return {"nodeid": item.nodeid, "path": str(item.path), "index": self._indexes[item]}

    def _tear_down(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Tear down what a test before this one, which ran here, has left set up for others of its class or file."""
        runner: Any = self._config.pluginmanager.getplugin("runner")
        ending = (pytest.exit.Exception, KeyboardInterrupt)
        call = pytest.CallInfo.from_call(lambda: runner.pytest_runtest_teardown(item, nextitem), "teardown", ending)
        if call.excinfo:
            report = pytest.TestReport.from_item_and_call(item, call)
            item.ihook.pytest_runtest_logreport(report=report)

    def _fork_template(self, control: Wire, ours: Wire, pipes: Pipes) -> int:
        """Fork the template; gives its number."""
        config, needed = self._config, self._needed

        def tell(fullname: str) -> None:
            control.send("importing", fullname)

        def serve() -> None:
            give_up(_connection_of_worker(config))
            faulthandler.enable(pipes.trace)
            config.pluginmanager.unregister(name=NAME)
            take_events(config)
            if junitxml.is_used(config):
                junitxml.note_elsewhere(config)
            import_modules(config, needed, tell)
            go_ahead_if(lambda: _import_own(config, needed, tell))
            allowed_threads = foreign_threads()
            child = Child(self._session, pipes.for_child, pipes.trace, lambda: take_events(config))
            serve_as_template(
                config,
                control,
                pipes.trace,
                lambda jobs: child.run(jobs, lambda where: self._session.items[where["index"]]),
                allowed_threads=allowed_threads,
                fault=why_not_fork(allowed_threads),
                events=take_events(config),
            )

        return fork_process(serve, ours.close, pipes.reports.close)


class PdbHooks(Hooks):
    """Registered in place of the others where a debugger needs the terminal."""

    def pytest_report_collectionfinish(self) -> str:
        return "heavy_isolated: no test is isolated, because of --pdb or --trace"


def attach(config: pytest.Config) -> None:
    """Isolate tests in this run; once, and not in an interpreter that was started for isolated tests."""
    if fresh_key in config.stash or config.pluginmanager.has_plugin(NAME):
        return
    has_debugger = config.getoption("usepdb", False) or config.getoption("trace", False)
    config.pluginmanager.register(PdbHooks() if has_debugger else IsolationHooks(config), NAME)


def import_modules(config: pytest.Config, needed: set[str], tell: Callable[[str], object] = str) -> int:
    """
    Import those of the modules that lie in installed packages; how many foreign threads there are after that.

    *tell* is called with the name of each before that is imported.
    """
    if session := _session(config, needed):
        with _captured(config):
            session.import_each(_each(needed.intersection(session.installed_modules()), tell))
        session.whereabouts.enter("after collection")
    return foreign_threads()


def import_known(config: pytest.Config, names: list[str], tell: Callable[[str], None]) -> None:
    """Import modules that nobody has declared, as files that are going to be collected again do."""
    with _captured(config):
        for name in _each(names, tell):
            with suppress(Exception):  # who asks for it is told
                importlib.import_module(name)


def take_events(config: pytest.Config) -> bytes:
    """What the ledger has got since this was last asked, here or in the process that this one was forked from."""
    session = begun_session(config)
    if session is None or not session.has_begun:
        return b""
    events = list(session.ledger)
    new = events[config.stash.get(_sent_key, 0) :]
    config.stash[_sent_key] = len(events)
    return pickle.dumps(new) if new else b""


def record_events(config: pytest.Config, packed: bytes) -> None:
    """Record what the ledger of another process has got; of imports, the first of each module."""
    if not packed:
        return
    ledger, its = session_of(config).ledger, Ledger()
    for event in pickle.loads(packed):  # of our own records alone
        its.record(event)
    for event in its:
        is_repeated = isinstance(event, Import) and (
            its.import_of(event.fullname) is not event or ledger.import_of(event.fullname)
        )
        if not (is_repeated or isinstance(event, Forgotten)):
            ledger.record(event)


def _import_own(config: pytest.Config, needed: set[str], tell: Callable[[str], None]) -> bool:
    """Import the others, which are code under test; whether none has failed, computed, or started a thread."""
    session = _session(config, needed)
    if session is None:
        return True
    # A fork leaves the threads of earlier imports behind.
    threads, foreign, of_imports = threading.active_count(), foreign_threads(), threads_of_imports()
    session.whereabouts.enter("preload")
    try:
        with _captured(config):
            for fullname in _each(needed.difference(session.installed_modules()), tell):
                session.registry.get(fullname)
    except BaseException:
        return False
    session.whereabouts.enter("after collection")
    allowed_threads = foreign + threads_of_imports() - of_imports
    return not why_not_fork(allowed_threads) and threading.active_count() == threads


def _each(fullnames: Iterable[str], tell: Callable[[str], object]) -> Iterator[str]:
    for fullname in fullnames:
        tell(fullname)
        yield fullname


def _connection_of_worker(config: pytest.Config) -> list[Any]:
    """The files by which a worker of pytest-xdist talks with its controller; none elsewhere."""
    channels = (
        vars(plugin).get("channel") for plugin in config.pluginmanager.get_plugins() if hasattr(plugin, "__dict__")
    )
    gateways = (getattr(channel, "gateway", None) for channel in channels if channel is not None)
    connections = (vars(gateway).get("_io") for gateway in gateways if gateway is not None)
    files = (each for connection in connections if connection for each in vars(connection).values())
    return [file for file in files if hasattr(file, "fileno")]


def _declared(config: pytest.Config) -> set[str]:
    session = begun_session(config)
    return {module.fullname for module in session.declared.values()} if session else set()


def _taken_by_statements(config: pytest.Config) -> set[str]:
    """What tests may import in their bodies, and nobody sees before: all that is declared, unless that is put off."""
    session = begun_session(config)
    return set(session.installed_modules()) if session and not session.settings.defer else set()


def _session(config: pytest.Config, needed: set[str]) -> HeavySession | None:
    return begun_session(config) if needed else None


@contextmanager
def _captured(config: pytest.Config) -> Iterator[None]:
    """What modules print while they are imported here, before a test runs, is nobody's output."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is None or not capture.is_globally_capturing():
        yield
        return
    capture.resume_global_capture()
    try:
        yield
    finally:
        capture.suspend_global_capture()
        capture.read_global_capture()
