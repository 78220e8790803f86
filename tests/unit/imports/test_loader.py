"""Loaders that get out of the way."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType

import pytest

from pytest_heavyimports.imports.loader import WatchedLoader, giving_spec

Executed = Callable[[], "list[str]"]


def test_the_modules_code_sees_its_real_loader(samples: Executed) -> None:
    """Before the first statement runs, the real loader is back in the module and in its spec."""
    spec = PathFinder.find_spec("counted")
    assert spec is not None
    real = spec.loader
    seen: list[object] = []
    entered: list[str] = []

    @contextmanager
    def around(fullname: str, executed: ModuleType) -> Iterator[None]:
        entered.append(fullname)
        seen.append((executed.__loader__, spec.loader))
        yield

    spec.loader = WatchedLoader(real, around)  # type: ignore[assignment]  # a duck
    module = module_from_spec(spec)
    assert samples() == []
    spec.loader.exec_module(module)
    assert entered == ["counted"]
    assert seen == [(real, real)]
    assert module.__loader__ is real
    assert samples() == ["counted"]


def test_other_questions_are_answered_by_the_real_loader(samples: Executed) -> None:
    """Who asks the loader for code or source, as runpy does, gets what the real one gives."""
    spec = PathFinder.find_spec("counted")
    assert spec is not None
    loader = WatchedLoader(spec.loader, lambda *_: nullcontext())
    assert loader.get_code("counted").co_filename == spec.origin
    assert "Counts its executions" in loader.get_source("counted")
    assert loader.is_package("counted") is True
    with pytest.raises(AttributeError, match="no_such_thing"):
        loader.no_such_thing  # noqa: B018  # the attribute access is what is tested


def test_a_loader_can_be_copied() -> None:
    """With its spec, for one; what is asked of the copy, wherever the name sorts, the real one answers."""

    class Real:
        FLAG = "sorts before an underscore"
        _flag = "sorts before the name of the real loader"

    real = Real()
    loader = copy.copy(WatchedLoader(real, lambda *_: nullcontext()))
    assert type(loader) is WatchedLoader
    assert loader._loader is real
    assert (loader.FLAG, loader._flag) == (Real.FLAG, Real._flag)


def test_giving_leaves_the_module_as_it_is(samples: Executed) -> None:
    """What the import system writes into a module before it calls the loader is put back; nothing is executed."""
    module = importlib.import_module("counted")
    before = dict(vars(module))
    spec = giving_spec("counted", module.__spec__, lambda: module)
    assert spec is not module.__spec__
    assert spec.loader is not None
    assert spec.loader.create_module(spec) is module
    module.__spec__ = spec
    module.__loader__ = spec.loader  # type: ignore[assignment]  # a duck
    spec.loader.exec_module(module)
    assert vars(module) == before
    assert module.__spec__ is before["__spec__"]
    assert samples() == ["counted"]


def test_a_module_without_a_spec_can_be_given() -> None:
    """A module that somebody made by hand has no spec, and one is made that gives it."""
    module = ModuleType("made_by_hand")
    spec = giving_spec("made_by_hand", None, lambda: module)
    assert spec.name == "made_by_hand"
    assert spec.loader is not None
    assert spec.loader.create_module(spec) is module
    spec.loader.exec_module(module)


def test_a_refusal_to_give_goes_to_the_importer() -> None:
    """What the giver raises is raised by the import statement, before anything is executed."""

    def refuse() -> None:
        raise RuntimeError("refused")

    spec = giving_spec("counted", None, refuse)
    with pytest.raises(RuntimeError, match=r"^refused$"):
        module_from_spec(spec)
