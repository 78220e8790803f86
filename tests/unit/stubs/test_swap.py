"""A stand-in in the place of a real module for a while."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.imports.keeper import Keeper
from pytest_heavyimports.stubs.module import StandIn
from pytest_heavyimports.stubs.swap import Swap

FILES = {
    "realpkg/__init__.py": "from . import part\n\nclass Thing: pass\n\ndef make(): return Thing()\n",
    "realpkg/part.py": "VALUE = 3\n",
    "swapapp/__init__.py": "",
    "swapapp/user.py": "import realpkg\nfrom realpkg import make as build\n\ndef use(): return realpkg.make()\n",
    "swapapp/second.py": "from swapapp.user import use\n",
    "swapapp/light.py": "CACHE = {}\nnames = ['mine']\n",
    "swapapp/broken.py": "import realpkg\n\nsize = len(realpkg.sizes) if hasattr(realpkg.Thing, 'absent') else 1\n",
}
Begin = Callable[..., Swap]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Puts a stand-in into the place of ``realpkg``; all is undone after the test."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before, swaps = dict(sys.modules), []

    def begin(*tests: ModuleType) -> Swap:
        swaps.append(Swap(StandIn("realpkg", "heavy_stub"), Keeper(), tests=tests, others=()))
        return swaps[-1]

    yield begin
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    assert sys.modules == before


def load(name: str) -> Any:
    """Import."""
    return importlib.import_module(name)


def test_code_that_holds_something_of_it_is_imported_again(begin: Begin) -> None:
    """And whoever holds something of that; after it all are what they were."""
    names = ("realpkg", "realpkg.part", "swapapp.user", "swapapp.second", "swapapp.light")
    before = {name: load(name) for name in names}
    swap = begin()
    assert [load(name) is before[name] for name in names] == [False, False, False, False, True]
    assert load("swapapp.user").realpkg is swap.module is load("realpkg")
    assert load("swapapp.second").use is load("swapapp.user").use
    assert swap.undo() == set()
    assert {name: sys.modules[name] for name in names} == before
    assert load("swapapp").user is before["swapapp.user"]
    assert before["realpkg"].part is before["realpkg.part"]


def test_what_saw_the_stand_in_first_is_forgotten(begin: Begin) -> None:
    """It will see the real one when it is imported again."""
    swap = begin()
    load("swapapp.user")
    load("swapapp.light")
    assert swap.undo() >= {"swapapp.user"}
    assert "swapapp.user" not in sys.modules
    assert load("swapapp.user").use().__class__ is load("realpkg").Thing


def test_names_of_a_test_are_pointed_at_it(begin: Begin) -> None:
    """Modules, what is in them, and functions of code that was imported again; all else stays."""
    real, user = load("realpkg"), load("swapapp.user")
    test = sys.modules["a_test_file"] = ModuleType("a_test_file")
    vars(test).update(realpkg=real, made=real.Thing, use=user.use, user=user, number=3)
    swap = begin(test)
    held: Any = test
    assert held.realpkg is swap.module
    assert held.made is swap.module.Thing
    assert (held.user, held.use) == (load("swapapp.user"), load("swapapp.user").use)
    assert held.number == 3
    swap.undo()
    assert (held.realpkg, held.made, held.use, held.user) == (real, real.Thing, user.use, user)


def test_counterparts(begin: Begin) -> None:
    """An object that is none of its is its own."""
    real, user = load("realpkg"), load("swapapp.user")
    swap = begin()
    assert swap.counterpart(real.part) is load("realpkg.part")
    assert swap.counterpart(real.make) is swap.module.make
    assert swap.counterpart(user.use) is load("swapapp.user").use
    assert swap.counterpart(load) is load
    swap.undo()


def test_what_was_left_in_a_module_that_stays_is_taken_away(begin: Begin) -> None:
    """In its names and its containers; what has nothing to do with the stand-in stays."""
    load("realpkg")
    light = load("swapapp.light")
    swap = begin()
    light.CACHE["it"] = swap.module.Thing
    light.names.append("yours")
    light.last = swap.module.make()
    light.other = 5
    swap.undo()
    assert light.CACHE == {}
    assert light.names == ["mine", "yours"]
    assert not hasattr(light, "last")
    assert light.other == 5


def test_code_that_fails_with_the_stand_in_fails_where_it_is_needed(begin: Begin) -> None:
    """The error is its own."""
    load("realpkg")
    broken = load("swapapp.broken")
    swap = begin()
    with pytest.raises(Exception, match="realpkg") as error:
        swap.counterpart(broken)
    assert type(error.value).__name__ == "StandInRefused"
    swap.undo()
    assert load("swapapp.broken") is broken
    assert load("swapapp").broken is broken
