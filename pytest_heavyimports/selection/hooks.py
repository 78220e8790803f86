"""pytest's hooks where heavy tests are kept to few workers, ordered, or loaded before their setup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from ..config.options import HEAVY_MARK
from ..facts.places import BY_MARK
from .selection import light_first, load_marked, schedule_groups, warn_of_lost_groups

if TYPE_CHECKING:
    from ..session import HeavySession


class WorkersHooks(Hooks):
    """Registered where few workers of pytest-xdist are to run the heavy tests."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        schedule_groups(session.config)
        if hasattr(session.config, "workerinput"):
            session.config.pluginmanager.register(GroupHooks(), "heavyimports-groups")


class GroupHooks(Hooks):
    """Registered in those workers."""

    # After pytest-xdist.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        warn_of_lost_groups(items)


class LoadHooks(Hooks):
    """Registered where imports are deferred."""

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


class OrderHooks(Hooks):
    """Registered for ``light-first``."""

    # After those who shuffle (pytest-randomly). --ff and --nf wrap all of these, so that they have the last word.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        light_first(items)
