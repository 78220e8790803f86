"""Which tests are heavy, the order that they run in, and which workers of pytest-xdist run them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

from ..config.options import CUDA_MARK, HEAVY_FIXTURES, HEAVY_MARK, STUB_MARK, WORKERS_KEY
from ..config.private import fixturedefs_of

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


def mark_thread_unsafe(items: Iterable[pytest.Item]) -> None:
    """
    Keep tests with a stand-in in one thread: pytest-run-parallel runs a test in many, which share ``sys.modules``.

    To be called where that plugin is there, which knows the mark.
    """
    for item in items:
        if "heavy_stub" in getattr(item, "fixturenames", ()) or item.get_closest_marker(STUB_MARK):
            item.add_marker(pytest.mark.thread_unsafe(reason="has a stand-in of pytest-heavyimports"))


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


def groups_for_workers(items: Sequence[pytest.Item], workers: int) -> dict[str, str]:
    """
    Groups of tests, each to be run by one worker of pytest-xdist, by which at most so many workers run heavy tests.

    Each group is a stretch of the heavy tests in their order, so that most of a file's are in one. Tests in a group of
    their author's stay there, and each such group with a heavy test in it counts as one worker.

    Returns:
        The group of each test that is in one, by its nodeid.
    """
    own = {item.nodeid: f"{GROUP_MARK} {name}" for item in items if (name := _group(item)) is not None}
    heavy = [item.nodeid for item in items if is_heavy(item)]
    rest = [nodeid for nodeid in heavy if nodeid not in own]
    number = max(workers - len({own[nodeid] for nodeid in heavy if nodeid in own}), 1)
    return own | {nodeid: f"{HEAVY_MARK} {index * number // len(rest)}" for index, nodeid in enumerate(rest)}


def check_scheduler(config: pytest.Config) -> None:
    """
    Raise a UsageError where the user has asked for a scheduler of pytest-xdist's that ours can't stand in for.

    Raises:
        pytest.UsageError: It would send heavy tests to each worker.
    """
    scheduler = getattr(config.option, "dist", "no")
    if scheduler not in ("no", "load", "loadgroup"):
        raise pytest.UsageError(
            f"{WORKERS_KEY} distributes the tests by a scheduler of its own, and --dist={scheduler} was given. "
            f"Leave --dist away, or set {WORKERS_KEY} = 0."
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
    """As pytest-xdist names it: by all marks of a test."""
    marks = item.iter_markers(GROUP_MARK)
    names = {str(mark.args[0] if mark.args else mark.kwargs.get("name", "default")) for mark in marks}
    return "_".join(sorted(names)) if names else None
