"""pytest's hooks where the guard is on: who displaces a protected module, and who has left one displaced."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from ..config.options import is_guard_lifted
from ..imports.install import install
from ..imports.keeper import KEEPER
from ..telling import fixture_place, tell_beside, tell_report, tell_test
from .session import Guard

if TYPE_CHECKING:
    from ..session import HeavySession
    from .session import Told


def attach(session: HeavySession) -> None:
    """Guard the heavy modules of a session, from now to its end."""
    guard = Guard(
        session.settings.guard,
        KEEPER,
        ledger=session.ledger,
        whereabouts=session.whereabouts,
        around=session.around,
    )
    session.config.add_cleanup(install(guard, KEEPER).close)

    def protect() -> None:
        lines = session.settings.protect
        asked_for = {line: f"{line!r} (heavy_protect)" for line in lines if line[0] != "!"}
        guard.protect(session.packages | asked_for, frozenset(line[1:] for line in lines if line[0] == "!"))

    session.at_declaration.append(protect)
    session.also_heavy.append(lambda: guard.protection.packages)
    manager = session.config.pluginmanager
    session.at_configure.append(lambda: manager.register(GuardHooks(guard), "heavyimports-guard"))


class GuardHooks(Hooks):
    """Tells the guard what pytest does, and the culprit what the guard says."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._of_fixtures: list[Told] = []

    # Outermost, all of them: what other plugins do inside belongs to the file, the fixture or the test as well.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        self._guard.settle_start()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        with self._guard.collecting(collector.nodeid):
            report = yield
        leaks = self._guard.settle_file(collector.nodeid, is_lifted=is_guard_lifted(collector))
        return tell_report(report, leaks, collector, self._guard.mode)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        with self._guard.testing(item.nodeid, is_lifted=is_guard_lifted(item)):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        self._of_fixtures += self._guard.settle_fixtures()
        place = fixture_place(fixturedef, request, "setup")
        with self._guard.setting_up(fixturedef, place, is_shared=fixturedef.scope != "function"):
            return (yield)

    def pytest_fixture_post_finalizer(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> None:
        self._guard.finalized(fixturedef, fixture_place(fixturedef, request, "teardown"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        __tracebackhide__ = True
        self._guard.watch.check()
        try:
            result = yield
        except BaseException as error:
            tell_beside(error, self._left_by(item))
            raise
        tell_test(self._left_by(item), item, self._guard.mode)
        return result

    def _left_by(self, item: pytest.Item) -> list[Told]:
        of_fixtures, self._of_fixtures = self._of_fixtures, []
        return of_fixtures + self._guard.settle_test(item.nodeid)
