"""Which tests share a process, and what a template imports."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports.isolation.plan import Isolation, isolation_of, needed_modules, share_a_process


def item_with(*marks: pytest.MarkDecorator) -> Any:
    """What is asked of a test."""
    own = [mark.mark for mark in marks]
    return SimpleNamespace(
        get_closest_marker=lambda name: next((mark for mark in own if mark.name == name), None),
        iter_markers=lambda name: (mark for mark in own if mark.name == name),
    )


def test_the_mark_goes_before_the_flag() -> None:
    """What is isolated by the flag alone has nothing special."""
    marked = item_with(pytest.mark.heavy_isolated(method="spawn", group="a"))
    for is_for_all in (True, False):
        assert isolation_of(marked, is_for_all=is_for_all) == Isolation("spawn", "a")
    assert isolation_of(item_with(), is_for_all=True) == Isolation()
    assert isolation_of(item_with(), is_for_all=False) is None


@pytest.mark.parametrize(
    ("first", "second", "is_shared"),
    [
        (Isolation("", "a"), Isolation("", "a"), True),
        (Isolation("", "a"), Isolation("", "b"), False),
        (Isolation("", "a"), Isolation("spawn", "a"), False),
        (Isolation("", "a"), None, False),
        (Isolation(), Isolation(), False),
    ],
)
def test_a_group_shares_a_process(first: Isolation, second: Isolation | None, is_shared: bool) -> None:
    """Where the method is the same too."""
    assert share_a_process(first, second) is is_shared


def test_needed_modules() -> None:
    """Those of the marks that are declared; all of them where a mark names none."""
    declared = ["torch", "numpy", "app"]
    torch = item_with(pytest.mark.heavy("torch", "undeclared"))
    assert needed_modules([item_with(), torch], declared) == {"torch"}
    assert needed_modules([torch, item_with(pytest.mark.heavy())], declared) == set(declared)
