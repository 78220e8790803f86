"""The doors into the import system are closed as they were opened."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports.defer.deferral import Deferral
from pytest_heavyimports.defer.hooks import install_deferral
from pytest_heavyimports.defer.judge import Keeping
from pytest_heavyimports.facts.measure import Clock
from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.imports.install import importable, install, put_first
from pytest_heavyimports.imports.keeper import Keeper
from pytest_heavyimports.imports.measuring import Measurer, install_measuring
from pytest_heavyimports.stubs.module import StandInFinder

KEEPER = Keeper()
KEEPING = Keeping(KEEPER, is_kept=lambda _: False, place=lambda: Place("call"), importing=lambda _: nullcontext())


DOORS: dict[str, Callable[[], ExitStack]] = {
    "install": lambda: install(KEEPING, KEEPER),
    "install_deferral": lambda: install_deferral(Deferral(), None, KEEPER),
    "install_deferral that keeps": lambda: install_deferral(Deferral(), KEEPING, KEEPER),
    "put_first": lambda: put_first(StandInFinder()),
    "install_measuring": lambda: install_measuring(Measurer(Clock(), lambda: Place("call"))),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_finder_is_first_until_it_is_closed(door: Callable[[], ExitStack]) -> None:
    """To close it twice does no harm; what others put in meanwhile stays."""
    before, reload = list(sys.meta_path), importlib.reload
    handle = door()
    assert sys.meta_path[-len(before) :] == before
    assert len(sys.meta_path) > len(before)
    other: Any = SimpleNamespace(find_spec=lambda *_: None)
    sys.meta_path.insert(0, other)
    handle.close()
    handle.close()
    assert sys.meta_path == [other, *before]
    assert importlib.reload is reload
    sys.meta_path.remove(other)


def test_the_list_may_have_been_replaced_by_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finder is taken out of the one that is there."""
    before = list(sys.meta_path)
    handle = put_first(StandInFinder())
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    handle.close()
    assert sys.meta_path == before
    monkeypatch.undo()
    sys.meta_path[:] = before


@pytest.mark.parametrize("left", [[], [SimpleNamespace(find_spec=lambda *_: None)]])
def test_imports_work_where_no_finder_is_left(monkeypatch: pytest.MonkeyPatch, left: list[Any]) -> None:
    """For the length of a context; the list is the same afterwards."""
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.setattr(sys, "meta_path", left)
    before = list(left)
    with importable():
        assert importlib.util.find_spec("this")
    assert sys.meta_path is left
    assert left == before
    monkeypatch.undo()
    there = sys.meta_path
    with importable():
        assert sys.meta_path is there


def test_a_reload_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """True gives the module back as it is."""
    asked: list[str] = []
    monkeypatch.setattr(KEEPING, "on_reload", lambda name: bool(asked.append(name)) or True)
    monkeypatch.setitem(sys.modules, "nothing", nothing)
    with install(KEEPING, KEEPER):
        assert importlib.reload(nothing) is nothing
    assert asked == ["nothing"]


nothing: Any = type(sys)("nothing")
