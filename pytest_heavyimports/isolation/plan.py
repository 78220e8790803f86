"""Which tests are isolated, how, and what their processes are to have imported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ..config.options import HEAVY_MARK, ISOLATED_MARK

if TYPE_CHECKING:
    import pytest


class Isolation(NamedTuple):
    """How a test is isolated."""

    method: str = ""
    """``fork``, ``spawn``, or empty: by fork where that can be."""
    group: str = ""
    """Tests of one group that follow each other share a process; empty for a process of its own."""


def isolation_of(item: pytest.Item, *, is_for_all: bool) -> Isolation | None:
    """How a test is isolated; ``None`` where it isn't. *is_for_all* is ``--heavy-isolate``."""
    mark = item.get_closest_marker(ISOLATED_MARK)
    if mark:
        return Isolation(**mark.kwargs)
    return Isolation() if is_for_all else None


def share_a_process(first: Isolation, second: Isolation | None) -> bool:
    """Whether two tests that follow each other run in one process."""
    return bool(first.group) and first == second


def needed_modules(items: Iterable[pytest.Item], declared: Iterable[str]) -> set[str]:
    """
    The declared modules that these tests ask for, by their marks ``heavy``.

    A mark without modules is that of a test that asks for one at run time: it may be any.
    """
    declared = set(declared)
    needed: set[str] = set()
    for item in items:
        for mark in item.iter_markers(HEAVY_MARK):
            needed |= declared.intersection(mark.args) if mark.args else declared
    return needed
