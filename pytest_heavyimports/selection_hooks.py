"""pytest's hooks around the selection of tests: the mark ``heavy``, the order, groups for pytest-xdist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from .places import BY_MARK
from .selection import (
    faults_of_marks,
    group_for_workers,
    light_first,
    load_marked,
    mark_heavy,
    schedule_groups,
    warn_of_lost_groups,
)

if TYPE_CHECKING:
    from .declarations import HeavyModule
    from .options import Settings
    from .session import HeavySession


class SelectionHooks:
    """Marks in every run; orders and groups where that was asked for."""

    def __init__(self, settings: Settings, declared: Mapping[str, HeavyModule]) -> None:
        self._settings = settings
        self._declared = declared

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        if self._settings.xdist_workers:
            schedule_groups(session.config)
            if hasattr(session.config, "workerinput"):
                session.config.pluginmanager.register(GroupHooks(), "heavyimports-groups")

    # Before -m is applied, and before pytest-xdist makes groups of marks.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if faults := faults_of_marks(items):
            raise pytest.UsageError(*faults)
        mark_heavy(items, self._declared)
        if self._settings.xdist_workers:
            group_for_workers(items, self._settings.xdist_workers)


class GroupHooks:
    """Registered in the workers of pytest-xdist where heavy tests are to be kept together."""

    # After pytest-xdist.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        warn_of_lost_groups(items)


class LoadHooks:
    """Registered where imports are deferred."""

    def __init__(self, session: HeavySession) -> None:
        self._whereabouts = session.whereabouts

    # Before all fixtures: outside of a fake file system, a patched open, the deadline of a test of hypothesis.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._whereabouts.enter(BY_MARK, item.nodeid)
        load_marked(item)
        self._whereabouts.enter("after collection")


class OrderHooks:
    """Registered for ``light-first``."""

    # After those who shuffle (pytest-randomly). --ff and --nf wrap all of these, so that they have the last word.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        light_first(items)
