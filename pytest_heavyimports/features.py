"""
Which settings and marks lead to which folder: the one file that knows all features.

A row of a table has a question to the settings, and ``folder.file:function``, which is loaded and called where the
answer is yes. What nobody asks for is not loaded. Where the order of rows matters, a comment says why.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import fixtures, unrewritten
from .config import options
from .config.options import CUDA_MARK, ISOLATED_MARK, STUB_MARK, STUBBED_CACHE_KEY, Settings, State, state_key
from .config.sources import all_lines, warn_of_late_hooks

if TYPE_CHECKING:
    from argparse import Namespace

    import pytest

    from .session import HeavySession

Row = tuple[Callable[[Settings], object], str]

EARLY: tuple[Row, ...] = (
    # First: what is begun early, a warm process among it, has the variables.
    (lambda asked: asked.xdist_threads != "off", "selection.hooks:set_threads_early"),
    (lambda asked: asked.is_early, "session:begin_early"),
    (lambda asked: asked.cuda_workers, "cuda.hooks:attach_early"),
    (lambda asked: asked.warm, "warm.workers:attach_early"),
)
"""Before the first conftest file is read: called with the configuration of pytest."""

SOON: tuple[Row, ...] = ((lambda asked: asked.preload, "preload.preload:begin_preload"),)
"""After what other plugins do first, and before the first conftest file is read: called with the configuration."""

OF_SESSION: tuple[Row, ...] = (
    # First: the finders of the others ask its finder, which measures.
    (lambda _: True, "report.hooks:attach"),
    (lambda asked: asked.guard != "off", "guard.hooks:attach"),
    (lambda asked: asked.doctor, "doctor.hooks:attach"),
    # The finder that comes last is asked first. What is put off, or has a stand-in, is nothing to the guard yet.
    (lambda asked: asked.defer, "defer.hooks:attach"),
    (lambda asked: asked.stub, "stubs.hooks:attach"),
)
"""When a session with heavy modules begins: called with it."""

OF_RUN: tuple[Row, ...] = (
    (lambda _: sys.version_info >= (3, 15), "defer.lazy_hooks:keep_lazy"),
    (lambda asked: asked.stub_update, "stubs.hooks:attach_update"),
    (lambda asked: asked.isolate, "isolation.hooks:attach"),
    (lambda asked: asked.xdist_workers, "selection.hooks:attach_workers"),
    (lambda asked: asked.xdist_threads != "off", "selection.hooks:set_threads"),
    (lambda asked: asked.warm, "warm.workers:attach"),
    (lambda asked: asked.runpytest != "off", "pytester.hooks:attach"),
    (lambda asked: asked.order == "light-first", "selection.hooks:attach_order"),
)
"""When pytest is configured, and everything is declared: called with the configuration."""

OF_MARKS = {
    CUDA_MARK: "cuda.hooks:attach",
    STUB_MARK: "stubs.hooks:one_test_hooks",
    ISOLATED_MARK: "isolation.hooks:attach",
}
"""When tests with the mark have been collected: called with the configuration."""


def load(reference: str, *, is_running: bool = False) -> Any:
    """
    What ``folder.file:name`` of this package means; loaded now, if it has not been.

    Args:
        reference: To a function, as it stands in a table.
        is_running: Whether tests may run: only before that pytest's rewriting of assertions can be kept out of the way.
    """
    file, _, name = reference.partition(":")
    with nullcontext() if is_running else unrewritten:
        return getattr(import_module(f"{__package__}.{file}"), name)


def attach_early(config: pytest.Config) -> None:
    """Do what is asked for before conftest files are read, unless something of it can't be read."""
    if shelf := sys.modules.get(f"{__package__}.warm.shelf"):  # in a child of a warm process
        shelf.begin_conftests()
    state = _state(config, config.known_args_namespace)
    for is_asked_for, reference in EARLY if not state.faults else ():
        if is_asked_for(state.settings):
            load(reference)(config)


def attach_soon(config: pytest.Config) -> None:
    """Do what is asked for when other plugins have had their turn, and still before conftest files are read."""
    state = _state(config, config.known_args_namespace)
    for is_asked_for, reference in SOON if not state.faults else ():
        if is_asked_for(state.settings):
            load(reference)(config)


def attach(session: HeavySession) -> None:
    """Have those attach to a session that are asked for."""
    state = session.config.stash[state_key]
    for is_asked_for, reference in OF_SESSION:
        if is_asked_for(state.settings):
            load(reference, is_running=state.is_collected)(session)
    session.at_finish.append(lambda: _remember_names(session.config))


def list_declared(config: pytest.Config) -> None:
    """Print what is declared, for ``--heavy-list``."""
    faults = list(_state(config, config.option).faults)
    session = load("session:configure")(config, all_lines(config, faults), faults)
    print("\n".join(load("report.listing:listing")(session.declared.values())))


def configure(config: pytest.Config) -> None:
    """Declare everything, and attach what is asked for."""
    state = _state(config, config.option)
    settings, faults = state.settings, list(state.faults)
    lines = all_lines(config, faults)
    if settings.stub_update or settings.stub_file:
        load("stubs.session:check_committed_file")(config)
    if lines or faults or settings.is_early:
        session = load("session:configure")(config, lines, faults)
        config.pluginmanager.register(fixtures.alias_fixtures(session.declared.values()), "heavyimports-aliases")
    for is_asked_for, reference in OF_RUN:
        if is_asked_for(settings):
            load(reference)(config)


def attach_to_tests(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look at each test once, and attach what their marks and fixtures ask for. Here every run spends its time."""
    state = config.stash[state_key]
    declared = state.session.declared if state.session else {}
    marked = options.marks_of(items)
    marks = {mark.name for _, mark in marked}
    heavy_fixtures = options.HEAVY_FIXTURES.union(declared)
    asking = [item for item in items if not heavy_fixtures.isdisjoint(getattr(item, "fixturenames", ()))]
    if marked:
        load("config.marks:check_marks")(marked)
    if asking:
        load("selection.selection:mark_heavy")(asking, declared)
        marks.update(CUDA_MARK for item in asking if item.get_closest_marker(CUDA_MARK))
    if hasattr(config.option, "parallel_threads"):  # pytest-run-parallel's
        load("selection.selection:mark_thread_unsafe")(items)
    for mark, reference in OF_MARKS.items():
        if mark in marks:
            load(reference)(config)
    if config.hook.pytest_heavy_modules.get_hookimpls():
        warn_of_late_hooks(config)
    state.is_collected = True


def _state(config: pytest.Config, flags: Namespace) -> State:
    """What this plugin knows of the run: settings are read when it is first asked."""
    if state_key not in config.stash:
        config.stash[state_key] = State(*options.read_settings(config, flags), attach)
    return config.stash[state_key]


def _remember_names(config: pytest.Config) -> None:
    """For later runs: what the real modules have that this project uses stand-ins of."""
    cache = getattr(config, "cache", None)
    if cache is not None and cache.get(STUBBED_CACHE_KEY, None):
        load("stubs.session:remember_names", is_running=True)(cache)
