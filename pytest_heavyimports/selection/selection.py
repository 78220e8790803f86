"""Which tests are heavy, the order that they run in, and which workers of pytest-xdist run them."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

from ..config.options import CUDA_MARK, HEAVY_FIXTURES, HEAVY_MARK, WORKERS_KEY, is_worker
from ..config.private import fixturedefs_of
from ..errors import HeavyImportWarning

if TYPE_CHECKING:
    from ..config.declarations import HeavyModule

GROUP_MARK = "xdist_group"
OUR_FIXTURES = "pytest_heavyimports.fixtures"
"""The module of the functions that our fixtures are made of."""


def mark_heavy(items: Iterable[pytest.Item], declared: Mapping[str, HeavyModule]) -> None:
    """
    Put the mark ``heavy`` on each test that asks for a heavy module, through whatever chain of fixtures.

    And the mark ``cuda`` on each that asks for a device so.

    Args:
        items: The tests.
        declared: The declared modules, by alias.
    """
    for item in items:
        asked = [name for name in getattr(item, "fixturenames", ()) if _is_heavy(item, name, declared)]
        if asked:
            fullnames = dict.fromkeys(declared[name].fullname for name in asked if name in declared)
            item.add_marker(getattr(pytest.mark, HEAVY_MARK)(*fullnames))
        if "cuda_device" in asked:
            item.add_marker(getattr(pytest.mark, CUDA_MARK))


def is_heavy(item: pytest.Item) -> bool:
    """Whether a test has the mark, by hand or by :func:`mark_heavy`."""
    return item.get_closest_marker(HEAVY_MARK) is not None


def light_first(items: list[pytest.Item]) -> None:
    """
    Move the heavy tests to the end, in place.

    The order is kept otherwise. Tests that share a fixture of class, module or package scope, or a parameter of one of
    any scope, stay together: light ones that share it with heavy ones move too, for else it would be set up twice.
    """
    late = {index for index, item in enumerate(items) if is_heavy(item)}
    shared = [list(_shared_setups(item)) for item in items]
    while True:
        heavy_setups = {setup for index in late for setup in shared[index]}
        together = {index for index, setups in enumerate(shared) if not heavy_setups.isdisjoint(setups)}
        if together <= late:
            break
        late |= together
    items[:] = [items[index] for index in sorted(range(len(items)), key=late.__contains__)]


def group_for_workers(items: Iterable[pytest.Item], workers: int) -> None:
    """
    Have the heavy tests run by so many workers of pytest-xdist at most, by marks for its scheduler ``loadgroup``.

    Each group is a stretch of the tests in their order, so that most of a file's are in one. Tests in a group of their
    author's stay there, and each such group with a heavy test in it counts as one worker.
    """
    heavy = [item for item in items if is_heavy(item)]
    own = {_group(item) for item in heavy} - {None}
    rest = [item for item in heavy if _group(item) is None]
    number = max(workers - len(own), 1)
    for index, item in enumerate(rest):
        item.add_marker(getattr(pytest.mark, GROUP_MARK)(f"{HEAVY_MARK}{index * number // len(rest)}"))


def schedule_groups(config: pytest.Config) -> None:
    """
    Have pytest-xdist, where it distributes the tests, use its scheduler ``loadgroup`` in place of ``load``.

    Raises:
        pytest.UsageError: The user has asked for another scheduler.
    """
    scheduler = getattr(config.option, "dist", "no")
    if is_worker(config):  # a worker is told nothing of the controller's choice, and goes by its arguments
        config.option.loadgroup = True
    elif scheduler == "load":
        config.option.dist = "loadgroup"
    elif scheduler not in ("no", "loadgroup"):
        raise pytest.UsageError(
            f"{WORKERS_KEY} needs pytest-xdist's scheduler 'loadgroup', and --dist={scheduler} was given. "
            f"Leave --dist away, or set {WORKERS_KEY} = 0."
        )


def warn_of_lost_groups(items: Iterable[pytest.Item]) -> None:
    """
    Warn where pytest-xdist has made no groups of its marks, so that any worker may get heavy tests.

    Reference: pytest-xdist's issue 1386: version 3.8.0 writes the groups to where pytest 9.2 doesn't look for them.
    """
    if any(_group(item) is not None and "@" not in item.nodeid for item in items):
        warnings.warn(
            f"{WORKERS_KEY} has no effect: this pytest-xdist makes no groups under this pytest (its issue 1386: 3.8.0 "
            "under pytest 9.2). Use pytest < 9.2, or a pytest-xdist that is newer than 3.8.0.",
            HeavyImportWarning,
            stacklevel=1,
        )


def _is_heavy(item: pytest.Item, name: str, declared: Mapping[str, HeavyModule]) -> bool:
    """Whether the test gets our fixture of that name, not one with which its suite has replaced ours for good."""
    if name not in declared and name not in HEAVY_FIXTURES:
        return False
    for fixturedef in reversed(fixturedefs_of(item).get(name, ())):
        if fixturedef.func.__module__ == OUR_FIXTURES:
            return True
        if name not in fixturedef.argnames:
            return False
    return False


def _shared_setups(item: pytest.Item) -> Iterator[Hashable]:
    """What identifies the set-ups that a test shares with others, and that end before the session does."""
    parameters: Mapping[str, int] = getattr(getattr(item, "callspec", None), "indices", {})
    for name, fixturedefs in fixturedefs_of(item).items():
        scope = fixturedefs[-1].scope
        if scope != "function" and (scope != "session" or name in parameters):
            yield fixturedefs[-1], parameters.get(name), _node_of(item, scope)


def _node_of(item: pytest.Item, scope: str) -> Hashable:
    kinds = {"class": pytest.Class, "module": pytest.Module, "package": pytest.Package, "session": pytest.Session}
    # A function that is in no class is in a "class" of its own.
    nearest = item if scope == "class" else None
    return next((node for node in reversed(item.listchain()) if isinstance(node, kinds[scope])), nearest)


def _group(item: pytest.Item) -> str | None:
    mark = item.get_closest_marker(GROUP_MARK)
    return None if mark is None else str(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))
