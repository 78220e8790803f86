"""Names that were lazy, and are bound to something that ``sys.modules`` has no more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.guard import lazies
from pytest_heavyimports.guard.lazies import LazyBindings


class Lazy:
    """As ``types.LazyImportType`` of Python 3.15 shows itself."""

    def __init__(self, target: str) -> None:
        self._target = target

    def __repr__(self) -> str:
        return f"<lazy_import '{self._target}'>"


@pytest.fixture
def bindings(monkeypatch: pytest.MonkeyPatch) -> LazyBindings:
    """Those of ``heavy`` and its parts."""
    monkeypatch.setattr(lazies, "LAZY", Lazy)
    return LazyBindings(lambda fullname: fullname.partition(".")[0] == "heavy")


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Puts a module into ``sys.modules``, and gives its namespace."""

    def add(fullname: str, **names: Any) -> dict[str, Any]:
        module = ModuleType(fullname)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, fullname, module)
        return vars(module)

    return add


def test_a_name_bound_to_a_fake_is_lazy_again(bindings: LazyBindings, add: Callable[..., dict[str, Any]]) -> None:
    """And one of a module that is not protected stays bound, as does what never was lazy."""
    lazy = Lazy("heavy")
    app = add("app", heavy=lazy, light=Lazy("light"), number=1)
    bindings.note()
    app.update(heavy="fake", light="fake", number=2)
    bindings.put_back()
    assert app["heavy"] is lazy
    assert (app["light"], app["number"]) == ("fake", 2)


@pytest.mark.parametrize(
    ("target", "name", "bound"),
    [
        ("heavy", "np", "heavy"),
        ("heavy.part", "part", "heavy.part"),
        ("heavy.part", "heavy", "heavy"),
        ("heavy.part.one", "one", "value"),
    ],
)
def test_a_name_bound_to_what_is_there_stays(
    bindings: LazyBindings, add: Callable[..., dict[str, Any]], target: str, name: str, bound: str
) -> None:
    """The module, a part of it, its package where the import binds that, or what a module has under that name."""
    app = add("app", **{name: Lazy(target)})
    add("heavy")
    add("heavy.part", one=bindings)
    bindings.note()
    app[name] = value = sys.modules.get(bound, bindings)
    bindings.put_back()
    assert app[name] is value


def test_what_was_bound_before_a_test_stays(bindings: LazyBindings, add: Callable[..., dict[str, Any]]) -> None:
    """By a fixture, on purpose; what is still lazy, or bound to what is there, is looked at after it."""
    first, second = Lazy("heavy"), Lazy("heavy.part")
    app = add("app", mine=Lazy("heavy"), first=first, second=second)
    add("heavy.part")
    bindings.note()
    app.update(mine="mine", second=sys.modules["heavy.part"])
    bindings.accept()
    app.update(first="fake", second="fake")
    bindings.put_back()
    assert (app["mine"], app["first"], app["second"]) == ("mine", first, second)


def test_a_module_that_comes_later(bindings: LazyBindings, add: Callable[..., dict[str, Any]]) -> None:
    """It is seen at the next look; what was bound by then is not."""
    bindings.note()
    lazy = Lazy("heavy")
    app = add("app", heavy=lazy, other=Lazy("heavy"))
    app["other"] = "bound before"
    bindings.note()
    app.update(heavy="fake", other="fake")
    bindings.put_back()
    assert app["heavy"] is lazy
    assert app["other"] == "fake"


def test_what_stands_in_the_place_of_a_module_is_not_asked(
    bindings: LazyBindings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as ``None``, and what is no module."""
    monkeypatch.setitem(sys.modules, "blocked", None)
    monkeypatch.setitem(sys.modules, "odd", "no module")  # type: ignore[arg-type]  # whatever a suite puts there
    bindings.note()
    bindings.put_back()
