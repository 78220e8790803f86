"""pytest's hooks where the guard is on: who displaces a protected module, and who has left one displaced."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from ..config.options import WATCH, is_guard_lifted
from ..config.reach import namespace_packages
from ..config.sources import conftest_files
from ..errors import is_silence_asked_for
from ..facts.places import Place, shown_line
from ..imports.copies import Copies, watch_executions
from ..imports.finder import ProtectedFinder
from ..imports.install import install, put_first
from ..imports.keeper import KEEPER
from ..telling import tell_beside, tell_report, tell_test
from .evidence import Doer
from .policy import BY_PROTECT
from .session import Guard

if TYPE_CHECKING:
    from ..session import HeavySession
    from .session import Told


def attach(session: HeavySession) -> None:
    """Guard the heavy modules of a session, from now to its end."""
    guard = _look_on(session) if session.settings.guard == WATCH else _stand(session)

    def protect() -> None:
        lines = session.settings.protect
        asked_for = {line: f"{line!r} {BY_PROTECT}" for line in lines if line[0] != "!"}
        protected = session.packages | namespace_packages(session.declared.values()) | asked_for
        guard.protect(protected, frozenset(line[1:] for line in lines if line[0] == "!"), frozenset(asked_for))

    session.at_declaration.append(protect)
    session.also_heavy.append(lambda: guard.protection.packages)
    manager = session.config.pluginmanager
    session.at_configure.append(lambda: manager.register(GuardHooks(guard), "heavyimports-guard"))
    if sys.version_info >= (3, 15) and session.settings.is_guarded:
        from .lazy_hooks import LazyHooks  # where Python has lazy imports

        session.at_configure.append(lambda: manager.register(LazyHooks(guard), "heavyimports-lazy"))


def _stand(session: HeavySession) -> Guard:
    """A guard that acts."""
    guard = Guard(
        session.settings.guard,
        KEEPER,
        ledger=session.ledger,
        whereabouts=session.whereabouts,
        around=session.around,
    )
    session.config.add_cleanup(install(guard, KEEPER).close)
    copies = Copies(KEEPER, is_protected=guard.is_protected, on_copy=guard.on_copy)
    session.config.add_cleanup(watch_executions(copies).close)
    return guard


def _look_on(session: HeavySession) -> Guard:
    """One that only looks on: it patches nothing, and its finder leaves the finding and giving to the others."""
    from .onlooker import Onlooker  # for `heavyimports doctor` alone

    guard = Onlooker(ledger=session.ledger, whereabouts=session.whereabouts, on_sight=session.tell_sight)
    session.config.add_cleanup(put_first(ProtectedFinder(guard, guard.notebook)).close)
    return guard


class GuardHooks(Hooks):
    """Tells the guard what pytest does, and the culprit what the guard says."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._of_fixtures: list[Told] = []

    # Outermost, all of them: what other plugins do inside belongs to the file, the fixture or the test as well.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, object, object]:
        self._guard.settle_start(conftest_files(session.config))
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        with self._guard.collecting(collector.nodeid, _collected_file(collector)):
            report = yield
        call = getattr(report, "call", None)
        if report.failed and call and call.excinfo and (note := self._guard.has_failed(call.excinfo.value)):
            report.sections.append(("heavy imports", note))  # the error's text has been made already
        leaks = self._guard.settle_file(collector.nodeid, is_lifted=is_guard_lifted(collector))
        return tell_report(report, leaks, collector, self._guard.mode, on_warned=self._guard.has_warned)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        with self._guard.testing(item.nodeid, is_lifted=is_guard_lifted(item), doer=lambda: _doer_of(item)):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        self._of_fixtures += self._guard.settle_fixtures()
        place, function = _fixture_place(fixturedef, request, "setup"), fixturedef.func
        is_shared = fixturedef.scope != "function"
        with self._guard.setting_up(fixturedef, place, is_shared=is_shared, function=function):
            try:
                return (yield)
            except BaseException as error:
                self._guard.has_failed(error, fixturedef)
                raise

    def pytest_fixture_post_finalizer(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> None:
        self._guard.finalized(fixturedef, _fixture_place(fixturedef, request, "teardown"), fixturedef.func)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        __tracebackhide__ = True
        try:
            return (yield)
        except BaseException as error:
            self._guard.has_failed(error)
            raise

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        __tracebackhide__ = True
        self._guard.tearing_down(is_any_shared_over=nextitem is None or nextitem.parent is not item.parent)
        try:
            result = yield
        except BaseException as error:
            self._guard.has_failed(error)
            tell_beside(error, self._left_by(item))
            raise
        filters = (each for mark in item.iter_markers("filterwarnings") for each in mark.args)
        on_warned: Callable[[str], object] = str if is_silence_asked_for(filters) else self._guard.has_warned
        tell_test(self._left_by(item), item, self._guard.mode, on_warned=on_warned)
        return result

    def _left_by(self, item: pytest.Item) -> list[Told]:
        of_fixtures, self._of_fixtures = self._of_fixtures, []
        return of_fixtures + self._guard.settle_test(item.nodeid)


def _doer_of(item: pytest.Item) -> Doer:
    """The function of a test, without making an instance of its class; the file of a doctest and its like."""
    name, owner = getattr(item, "originalname", None), getattr(item, "cls", None)
    function = getattr(owner or getattr(item, "module", None), name, None) if name else None
    if function is None:
        return Doer(files=(str(item.path),))
    return Doer(function, arguments={**getattr(item, "funcargs", {}), "self": owner})


def _collected_file(collector: pytest.Collector) -> str:
    """The file that is executed while something is collected: that of a directory is its ``conftest.py``."""
    path = collector.path
    return str(path / "conftest.py" if path.is_dir() else path)


def _fixture_place(fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest, phase: str) -> Place:
    """Where a fixture is set up or torn down, in words that its author knows."""
    nodeid = request.node.nodeid
    # Those that pytest makes of setUpClass, setup_module and their like.
    made = re.fullmatch(r"_(?:xunit|unittest)_(\w+?)_fixture_(\w+)", fixturedef.argname)
    name = f"{made[1]} of {made[2]}" if made else fixturedef.argname
    code = getattr(fixturedef.func, "__code__", None)
    if nodeid or code is None:
        return Place(phase, nodeid, name)
    # A session's fixture has no file in its place: that of its function will do.
    return Place(phase, nodeid, name, shown_line(code.co_filename, code.co_firstlineno, str(request.config.rootpath)))
