"""pytest's hooks in every run, and nothing else: each makes one call. More are registered where they are needed."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .declarations import HeavyModule


class OwnModules:
    """
    The finder for the modules of this package, in ``sys.meta_path`` for as long as they are imported here.

    Otherwise pytest's assertion rewriting, which has nothing to rewrite in them, would find them, and read each item of
    their bytecode by a call of its own (``marshal.load`` from a file): half of what the plugin costs a run that doesn't
    use it.
    """

    @staticmethod
    def find_spec(
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG004  # importlib's protocol
    ) -> ModuleSpec | None:
        """The spec that Python's own path finder gives."""
        return PathFinder.find_spec(fullname, path) if fullname.startswith(f"{__package__}.") else None


@contextmanager
def unrewritten() -> Iterator[None]:
    """Around imports of our own modules."""
    sys.meta_path.insert(0, OwnModules)
    try:
        yield
    finally:
        sys.meta_path.remove(OwnModules)


with unrewritten():
    from . import options


class HookSpecs:
    """Hooks that conftest files and other plugins may implement."""

    @staticmethod
    @pytest.hookspec
    def pytest_heavy_modules(config: pytest.Config) -> Iterable[str]:  # type: ignore[empty-body]  # a specification
        """
        Declare more heavy modules: lines in the grammar of the ini key ``heavy_modules``.

        Called once, when pytest has been configured and before anything is collected, so a ``conftest.py`` that is to
        be asked must be one that pytest reads at start-up: that of the root directory, or of a path on the command
        line.
        """


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(HookSpecs)


# First and outermost: conftest files import heavy modules, and other plugins load code before them.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    settings, faults = options.read_settings(early_config, early_config.known_args_namespace)
    if settings.is_early and not faults:
        with unrewritten():
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
    print("\n".join(listing(session.declared.values())))
    return pytest.ExitCode.OK


def pytest_configure(config: pytest.Config) -> None:
    options.add_markers(config)
    if config.option.help:
        return  # a fault in the configuration must not keep anybody from reading the help
    with unrewritten():
        from . import fixtures
        from .selection_hooks import LoadHooks, OrderHooks, SelectionHooks
        from .sources import all_lines

    config.pluginmanager.register(fixtures, "heavyimports-fixtures")
    settings, faults = options.read_settings(config, config.option)
    lines = all_lines(config, faults)
    declared: Mapping[str, HeavyModule] = {}
    if lines or faults or settings.is_early:
        with unrewritten():
            from .session import configure

            session = configure(config, lines, faults)
        declared = session.declared
        aliases = fixtures.alias_fixtures(declared.values())
        config.pluginmanager.register(aliases, "heavyimports-aliases")
        if session.guard:
            from .guard_hooks import GuardHooks

            config.pluginmanager.register(GuardHooks(session.guard), "heavyimports-guard")
        if session.deferral:
            config.pluginmanager.register(LoadHooks(session), "heavyimports-load")
        if session.stand_ins:
            from .stub_hooks import watch_run

            watch_run(config)
    config.pluginmanager.register(SelectionHooks(settings, declared), "heavyimports-selection")
    if settings.order == "light-first":
        config.pluginmanager.register(OrderHooks(), "heavyimports-order")


def pytest_collection_finish(session: pytest.Session) -> None:
    if options.check_stub_marks(session.items):
        from .stub_hooks import one_test_hooks

        one_test_hooks(session.config)
    if session.config.hook.pytest_heavy_modules.get_hookimpls():
        from .sources import warn_of_late_hooks

        warn_of_late_hooks(session.config)
