"""pytest's hooks where heavy tests are kept to few workers, or come last."""

from __future__ import annotations

# Imports in functions: where pytest-xdist distributes the tests, a scheduler of ours, which imports it.
import os
import warnings
from collections.abc import Callable, Generator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..config.hooks import Hooks
from ..config.options import WORKERS_KEY, is_worker, settings_of
from ..errors import HeavyImportWarning
from ..process.environment import set_variables
from .selection import check_scheduler, groups_for_workers, light_first
from .threads import share, variables

if TYPE_CHECKING:
    from .scheduling import GroupFiles


threads_key: pytest.StashKey[tuple[int, Callable[[], None]]] = pytest.StashKey()
"""For how many workers variables are set, and what puts back those that were there."""


def attach_workers(config: pytest.Config) -> None:
    """Have few workers of pytest-xdist run the heavy tests."""
    config.pluginmanager.register(FewWorkersHooks(config, settings_of(config).xdist_workers), "heavyimports-workers")


def attach_order(config: pytest.Config) -> None:
    """Have the heavy tests run after all others."""
    config.pluginmanager.register(OrderHooks(), "heavyimports-order")


def set_threads_early(config: pytest.Config) -> None:
    """Before anything is begun that workers are forked from: as soon as it is known how many there will be."""
    asked = config.known_args_namespace
    workers = getattr(asked, "numprocesses", None)
    if workers and "PYTEST_XDIST_WORKER" not in os.environ:
        if not isinstance(workers, int):  # auto, which pytest-xdist asks for again when it needs it
            workers = config.hook.pytest_xdist_auto_num_workers(config=config)
        _set_threads(config, min(workers, asked.maxprocesses or workers))


def set_threads(config: pytest.Config) -> None:
    """When it is known for certain how many workers there will be."""
    if not is_worker(config):
        _set_threads(
            config,
            sum(int(each.partition("*")[0]) if "*" in each else 1 for each in getattr(config.option, "tx", None) or ()),
        )


def _set_threads(config: pytest.Config, workers: int) -> None:
    """Set variables for so many workers, which have them from this process, until pytest ends."""
    before, put_back = config.stash.get(threads_key, (0, None))
    if workers == before:
        return
    if put_back:
        put_back()
    asked = variables(share(settings_of(config).xdist_threads, workers), os.environ) if workers else {}
    config.stash[threads_key] = workers, set_variables(asked)
    config.add_cleanup(config.stash[threads_key][1])


class FewWorkersHooks(Hooks):
    """Registered where few workers of pytest-xdist are to run the heavy tests."""

    def __init__(self, config: pytest.Config, workers: int) -> None:
        self._config = config
        self._workers = workers

    @cached_property
    def _files(self) -> GroupFiles:
        from .scheduling import GroupFiles

        files = GroupFiles()
        self._config.add_cleanup(files.close)
        return files

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        check_scheduler(session.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        from .scheduling import INPUT

        node.workerinput[INPUT] = str(self._files.file_of(node.gateway.id))

    @pytest.hookimpl(optionalhook=True, wrapper=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Generator[None, object, object]:
        scheduler = yield
        from .scheduling import REPLACED, GroupScheduling

        if type(scheduler) in REPLACED:
            return GroupScheduling(config, log, self._files)
        raise pytest.UsageError(
            f"{WORKERS_KEY} distributes the tests by a scheduler of its own, and a plugin has given another one: "
            f"{type(scheduler).__module__}.{type(scheduler).__qualname__}. Set {WORKERS_KEY} = 0."
        )

    # Before pytest-xdist tells the controller that this worker has collected.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not is_worker(session.config):
            return
        from .scheduling import INPUT, write_groups

        try:
            file = Path(session.config.workerinput[INPUT])  # type: ignore[attr-defined]  # pytest-xdist's
            write_groups(file, groups_for_workers(session.items, self._workers))
        except OSError as error:
            reason = f"this worker and its controller share no files: {error}"
            warnings.warn(f"{WORKERS_KEY} has no effect: {reason}", HeavyImportWarning, stacklevel=1)


class OrderHooks(Hooks):
    """Registered for ``light-first``."""

    # After those who shuffle (pytest-randomly). --ff and --nf wrap all of these, so that they have the last word.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        light_first(items)
