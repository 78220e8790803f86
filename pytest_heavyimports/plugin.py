"""pytest's hooks, and nothing else: each reads the stash and makes one call."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from . import options
from .stash import session_key

if TYPE_CHECKING:
    from .guard.session import Guard, Told
    from .session import HeavySession


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from . import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


# First and outermost: conftest files import heavy modules, and other plugins load code before them.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    settings, faults = options.read_settings(early_config, early_config.known_args_namespace)
    if (settings.guard != "off" or settings.preload) and not faults:
        from .session import start_early

        start_early(early_config, settings)
    return (yield)


# Before those of pytest that run the tests, or list something and stop.
@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if not config.option.heavy_list:
        return None
    from .report.listing import listing
    from .session import configure
    from .sources import all_lines

    faults: list[str] = []
    session = configure(config, all_lines(config, faults), faults)
    print("\n".join(listing(session.registry.declared.values())))
    return pytest.ExitCode.OK


def pytest_configure(config: pytest.Config) -> None:
    options.add_markers(config)
    if config.option.help:
        return  # a fault in the configuration must not keep anybody from reading the help
    from . import fixtures
    from .sources import all_lines

    config.pluginmanager.register(fixtures, "heavyimports-fixtures")
    settings, faults = options.read_settings(config, config.option)
    lines = all_lines(config, faults)
    if lines or faults or settings.guard != "off" or settings.preload:
        from .session import configure

        session = configure(config, lines, faults)
        aliases = fixtures.alias_fixtures(session.registry.declared.values())
        config.pluginmanager.register(aliases, "heavyimports-aliases")
        config.pluginmanager.register(CollectionHooks(session), "heavyimports-collection")
        if session.guard:
            config.pluginmanager.register(GuardHooks(session.guard), "heavyimports-guard")


def pytest_collection_finish(session: pytest.Session) -> None:
    from .sources import warn_of_late_hooks

    warn_of_late_hooks(session.config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    session = config.stash.get(session_key, None)
    if session and session.settings.report:
        from .report.terminal import write_section

        session.notice("during tests")
        write_section(terminalreporter, session.ledger)


class CollectionHooks:
    """Where anything is declared: which file imports it while pytest collects."""

    def __init__(self, session: HeavySession) -> None:
        self._session = session
        session.notice("conftest or plugin")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        self._session.whereabouts.enter("collect", collector.nodeid)
        report = yield
        self._session.notice("collect", collector.nodeid)
        return report

    def pytest_collection_finish(self) -> None:
        self._session.whereabouts.enter("after collection")


class GuardHooks:
    """Where the guard is on: who displaces a protected module, and who has left one displaced."""

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
        from .telling import tell_report

        leaks = self._guard.settle_file(collector.nodeid, is_lifted=options.is_guard_lifted(collector))
        return tell_report(report, leaks, collector, self._guard.mode)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        options.check_marks(items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        with self._guard.testing(item.nodeid, is_lifted=options.is_guard_lifted(item)):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        from .telling import fixture_place

        self._of_fixtures += self._guard.settle_fixtures()
        place = fixture_place(fixturedef, request, "setup")
        with self._guard.setting_up(fixturedef, place, is_shared=fixturedef.scope != "function"):
            return (yield)

    def pytest_fixture_post_finalizer(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> None:
        from .telling import fixture_place

        self._guard.finalized(fixturedef, fixture_place(fixturedef, request, "teardown"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        __tracebackhide__ = True
        from .telling import tell_beside, tell_test

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
