"""Where imports are deferred: what attaches to the session, and what a test with the mark ``heavy`` has loaded."""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from ..config.options import DEFER_KEY, HEAVY_MARK
from ..facts.places import BY_MARK
from ..imports.finder import ProtectedFinder
from ..imports.finding import stand_behind
from ..imports.install import put_first
from ..imports.keeper import KEEPER, Keeper
from . import lazy_names
from .deferral import Deferral, load
from .judge import Keeping

if TYPE_CHECKING:
    from ..imports.finder import Judge
    from ..session import HeavySession


def attach(session: HeavySession) -> None:
    """Defer the imports of the declared modules of a session, from now to its end; where Python does so, leave it."""
    if lazy_names.puts_off_all():
        session.notes.append(f"{DEFER_KEY} does nothing: Python puts off all imports itself (-X lazy_imports=all)")
        return
    deferral = Deferral()
    is_guarded = session.settings.is_guarded
    keeping = Keeping(KEEPER, is_kept=deferral.defers, place=session.whereabouts, importing=session.importing)
    session.config.add_cleanup(install_deferral(deferral, None if is_guarded else keeping, KEEPER).close)
    session.executed = load
    session.at_declaration.append(lambda: deferral.defer(tuple(session.packages)))
    manager = session.config.pluginmanager
    session.at_configure.append(lambda: manager.register(LoadHooks(session), "heavyimports-load"))


def install_deferral(deferral: Deferral, keeping: Judge | None, keeper: Keeper) -> ExitStack:
    """Defer imports until the returned handle is closed; where there is no guard, *keeping* has them kept."""
    handle = ExitStack()
    if keeping:
        finder = ProtectedFinder(keeping, keeper)
        handle.enter_context(put_first(finder))
        handle.callback(stand_behind(finder))
    handle.callback(deferral.close)
    handle.enter_context(put_first(deferral))
    if lazy_names.is_offered():
        handle.callback(lazy_names.put_off_names(deferral.puts_off_names))
    return handle


class LoadHooks(Hooks):
    """Loads what a heavy test needs, before its setup."""

    def __init__(self, session: HeavySession) -> None:
        self._whereabouts = session.whereabouts

    # Before all fixtures: outside of a fake file system, a patched open, the deadline of a test of hypothesis.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if HEAVY_MARK not in item.keywords:
            return
        self._whereabouts.enter(BY_MARK, item.nodeid)
        load_marked(item)
        self._whereabouts.enter("after collection")


def load_marked(item: pytest.Item) -> None:
    """Load the modules of a heavy test whose imports were put off; what fails does so again where it is used."""
    for mark in item.iter_markers(HEAVY_MARK):
        for fullname in mark.args:
            with suppress(Exception):
                load(sys.modules.get(fullname))
