"""Which tests are heavy; and pytest's hooks where those are kept to few workers, or come last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from ..config.options import is_worker, settings_of
from .selection import group_for_workers, light_first, mark_heavy, schedule_groups, warn_of_lost_groups

if TYPE_CHECKING:
    from ..config.declarations import HeavyModule


def attach_to_tests(
    config: pytest.Config, items: list[pytest.Item], asking: list[pytest.Item], declared: Mapping[str, HeavyModule]
) -> None:
    """Mark those of the tests that are *asking* for a heavy module, and group them for few workers."""
    mark_heavy(asking, declared)
    if workers := settings_of(config).xdist_workers:
        group_for_workers(items, workers)


def attach_workers(config: pytest.Config) -> None:
    """Have few workers of pytest-xdist run the heavy tests."""
    config.pluginmanager.register(FewWorkersHooks(), "heavyimports-workers")


def attach_order(config: pytest.Config) -> None:
    """Have the heavy tests run after all others."""
    config.pluginmanager.register(OrderHooks(), "heavyimports-order")


class FewWorkersHooks(Hooks):
    """Registered where few workers of pytest-xdist are to run the heavy tests."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        schedule_groups(session.config)
        if is_worker(session.config):
            session.config.pluginmanager.register(GroupHooks(), "heavyimports-groups")


class GroupHooks(Hooks):
    """Registered in those workers."""

    # After pytest-xdist.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        warn_of_lost_groups(items)


class OrderHooks(Hooks):
    """Registered for ``light-first``."""

    # After those who shuffle (pytest-randomly). --ff and --nf wrap all of these, so that they have the last word.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        light_first(items)
