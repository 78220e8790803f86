"""Names that were lazy: whether what they are bound to is what ``sys.modules`` has now. On every Python."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.guard.lazies import Binding, LazyBindings

LAZY = object()


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package with a part."""
    package: Any = ModuleType("laid")
    package.part, package.name = ModuleType("laid.part"), object()
    monkeypatch.setitem(sys.modules, "laid", package)
    monkeypatch.setitem(sys.modules, "laid.part", package.part)
    return package


def _is_in_place(target: str, name: str, value: object) -> bool:
    return Binding({name: value}, name, LAZY, target).is_in_place


def test_what_is_in_place(package: Any) -> None:
    """The module, a part, a name of it, and the package that ``lazy import laid.part`` binds."""
    assert _is_in_place("laid", "short", package)
    assert _is_in_place("laid.part", "part", package.part)
    assert _is_in_place("laid.part", "laid", package)
    assert _is_in_place("laid.name", "name", package.name)


@pytest.mark.parametrize("target", ["laid", "laid.part", "laid.name", "absent", "absent.part"])
def test_what_is_not(package: ModuleType, target: str) -> None:
    """A fake, whatever it stands for, also where there is no such module any more."""
    assert not _is_in_place(target, "name", ModuleType("fake"))


def test_it_is_made_lazy_again(package: ModuleType) -> None:
    """What has a fake; not what has the module, nor what was accepted with something else."""
    bindings = LazyBindings(lambda _: True)
    fake, real, mine = ({"np": ModuleType("fake")}, {"np": package}, {"np": "mine"})
    bindings._bindings = [Binding(mine, "np", LAZY, "laid")]
    bindings.accept()
    bindings._bindings += [Binding(each, "np", LAZY, "laid") for each in (fake, real)]
    bindings.put_back()
    assert (fake["np"], real["np"], mine["np"]) == (LAZY, package, "mine")
