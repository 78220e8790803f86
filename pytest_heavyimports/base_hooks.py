"""pytest's hooks in every run: each makes one call. More are registered where they are needed."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Mapping
from typing import TYPE_CHECKING

import pytest

from . import fixtures, options, unrewritten
from .sources import all_lines

if TYPE_CHECKING:
    from .declarations import HeavyModule

declared_key: pytest.StashKey[tuple[options.Settings, Mapping[str, HeavyModule]]] = pytest.StashKey()
"""What the user asked for and declared, by alias; set in every run."""
preload_key: pytest.StashKey[bool] = pytest.StashKey()
"""Set where something is to be imported before the tests."""


class HookSpecs:
    """Hooks that conftest files and other plugins may implement."""

    def __dir__(self) -> list[str]:  # pytest takes a look at each of these, in every run
        return ["pytest_heavy_isolated_receive", "pytest_heavy_isolated_send", "pytest_heavy_modules"]

    @staticmethod
    @pytest.hookspec
    def pytest_heavy_modules(config: pytest.Config) -> Iterable[str]:  # type: ignore[empty-body]  # a specification
        """
        Declare more heavy modules: lines in the grammar of the ini key ``heavy_modules``.

        Called once, when pytest has been configured and before anything is collected, so a ``conftest.py`` that is to
        be asked must be one that pytest reads at start-up: that of the root directory, or of a path on the command
        line.
        """

    @staticmethod
    @pytest.hookspec
    def pytest_heavy_isolated_send(item: pytest.Item) -> tuple[str, object] | None:
        """
        Send what a plugin keeps for the session from the process of an isolated test, which is about to lose it.

        Called in that process after each test, when its fixtures have been torn down and its reports have been sent.
        By ``method="fork"`` the process has a copy of what the plugin kept after collection: send what this test has
        added.

        Args:
            item: The test that has run.

        Returns:
            A name that only this plugin uses, and a value; or ``None``. The value is made of ``None``, booleans,
            numbers, ``str``, ``bytes``, and of lists, tuples, dictionaries and sets of them. It may take up to 64 MiB.
            What can't be sent is an error of the test.
        """

    @staticmethod
    @pytest.hookspec
    def pytest_heavy_isolated_receive(item: pytest.Item, name: str, value: object) -> None:
        """
        Take over what was sent from the process of an isolated test.

        Called in the process that runs pytest, or in the worker of pytest-xdist, once for each value that an
        implementation of ``pytest_heavy_isolated_send`` has returned. Nothing comes from a process that has died.

        Args:
            item: The same test, as this process has collected it.
            name: The name that was sent: an implementation ignores those of others.
            value: The value that was sent.
        """


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(HookSpecs())  # type: ignore[arg-type]  # a namespace, whatever its type


# First and outermost: conftest files import heavy modules, and other plugins load code before them.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    if shelf := sys.modules.get(f"{__package__}.warm.shelf"):  # in a child of a warm process
        shelf.begin_conftests()
    settings, faults = options.read_settings(early_config, early_config.known_args_namespace)
    if settings.is_early and not faults:
        with unrewritten:
            from .session import start_early

            start_early(early_config, settings)
        if settings.preload:
            early_config.stash[preload_key] = True
    if settings.cuda_workers and not faults:
        with unrewritten:
            from .cuda_hooks import deal_early

            deal_early(early_config)
    if early_config.known_args_namespace.heavy_warm and not faults:
        with unrewritten:
            from .warm.workers import begin_early

            begin_early(early_config)
    return (yield)


# After what other plugins do first, such as to set variables of the environment, and before conftest files.
@pytest.hookimpl(specname="pytest_load_initial_conftests")
def pytest_load_initial_conftests_soon(early_config: pytest.Config) -> None:
    if preload_key in early_config.stash:
        with unrewritten:
            from .preloading import begin_preload

        begin_preload(early_config)


# Before those of pytest that run the tests, or list something and stop.
@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if not config.option.heavy_list:
        return None
    from .report.listing import listing
    from .session import configure

    faults: list[str] = []
    session = configure(config, all_lines(config, faults), faults)
    print("\n".join(listing(session.declared.values())))
    return pytest.ExitCode.OK


def pytest_configure(config: pytest.Config) -> None:
    options.add_markers(config)
    if config.option.help:
        return  # a fault in the configuration must not keep anybody from reading the help
    settings, faults = options.read_settings(config, config.option)
    lines = all_lines(config, faults)
    if config.option.heavy_stub_update or config.getini(options.STUB_FILE_KEY):
        with unrewritten:
            from .stubbing import check_committed_file

        check_committed_file(config, is_run_stubbed=bool(settings.stub))
    declared: Mapping[str, HeavyModule] = {}
    if lines or faults or settings.is_early:
        with unrewritten:
            from .session import configure

            session = configure(config, lines, faults)
        declared = session.declared
        aliases = fixtures.alias_fixtures(declared.values())
        config.pluginmanager.register(aliases, "heavyimports-aliases")
        if session.guard:
            with unrewritten:
                from .guard_hooks import GuardHooks

            config.pluginmanager.register(GuardHooks(session.guard), "heavyimports-guard")
        if session.deferral:
            from .selection_hooks import LoadHooks

            config.pluginmanager.register(LoadHooks(session), "heavyimports-load")
        if session.reporting.is_told_on:
            from .report_hooks import register

            register(config, session.reporting, has_files=bool(settings.report_files))
        if session.stand_ins:
            with unrewritten:
                from .stub_hooks import watch_run
                from .stubbing import check_no_snapshots

            check_no_snapshots(config, settings.stub)
            watch_run(config)
    if config.option.heavy_stub_update:
        with unrewritten:
            from .stub_hooks import watch_update

        watch_update(config, declared.values())
    config.stash[declared_key] = settings, declared
    if config.option.heavy_isolate:
        from .isolation_hooks import isolate

        isolate(config)
    if settings.xdist_workers:
        from .selection_hooks import WorkersHooks

        config.pluginmanager.register(WorkersHooks(), "heavyimports-workers")
    if config.option.heavy_warm:
        from .warm.workers import warm_workers

        warm_workers(config)
    if settings.runpytest != "off":
        with unrewritten:
            from .pytester.hooks import PytesterHooks

        preload = tuple(session.installed_modules()) if settings.preload else ()
        hooks = PytesterHooks(is_all=settings.runpytest == "fork-all", preload=preload)
        config.pluginmanager.register(hooks, "heavyimports-pytester")
    if settings.order == "light-first":
        from .selection_hooks import OrderHooks

        config.pluginmanager.register(OrderHooks(), "heavyimports-order")


# Before -m is applied, and before pytest-xdist makes groups of marks. One look at each test, in every run.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    settings, declared = config.stash[declared_key]
    marked = options.marks_of(items)
    heavy_fixtures = fixtures.HEAVY.union(declared)
    asking = [item for item in items if not heavy_fixtures.isdisjoint(getattr(item, "fixturenames", ()))]
    if marked:
        from .marks import check_marks

        check_marks(marked)
    if asking or (marked and settings.xdist_workers):
        with unrewritten:
            from .selection import group_for_workers, mark_heavy

        mark_heavy(asking, declared)
        if settings.xdist_workers:
            group_for_workers(items, settings.xdist_workers)
    if any(item.get_closest_marker(options.CUDA_MARK) for item in asking) or any(
        mark.name == options.CUDA_MARK for _, mark in marked
    ):
        from .cuda_hooks import watch_cuda

        watch_cuda(config, settings)
    if any(mark.name == options.STUB_MARK for _, mark in marked):
        from .stub_hooks import one_test_hooks

        one_test_hooks(config)
    if any(mark.name == options.ISOLATED_MARK for _, mark in marked):
        from .isolation_hooks import isolate

        isolate(config)
    if config.hook.pytest_heavy_modules.get_hookimpls():
        from .sources import warn_of_late_hooks

        warn_of_late_hooks(config)
