"""importlib.reload, patched and put back."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from pytest_heavyimports.imports.reload import patch_reload

Executed = Callable[[], "list[str]"]


@pytest.fixture
def patched() -> Iterator[Callable[[Callable[[str], bool]], Callable[[], None]]]:
    """``patch_reload``, undone at the end of the test whatever happens."""
    undone: list[Callable[[], None]] = []

    def patch(on_reload: Callable[[str], bool]) -> Callable[[], None]:
        undone.append(patch_reload(on_reload))
        return undone[-1]

    original = importlib.reload
    yield patch
    for put_back in reversed(undone):
        put_back()
    importlib.reload = original


Patch = Callable[[Callable[[str], bool]], Callable[[], None]]


def test_true_gives_the_module_back(samples: Executed, patched: Patch) -> None:
    """A module that is given back is not executed again."""
    asked: list[str] = []
    patched(lambda name: not asked.append(name))  # type: ignore[func-returns-value]  # always true
    module = importlib.import_module("counted")
    assert importlib.reload(module) is module
    assert asked == ["counted"]
    assert samples() == ["counted"]


def test_false_reloads(samples: Executed, patched: Patch) -> None:
    """A module that nobody protects is executed again."""
    patched(lambda _: False)
    module = importlib.import_module("counted")
    assert importlib.reload(module) is module
    assert samples() == ["counted", "counted"]


def test_what_is_raised_goes_to_the_caller(samples: Executed, patched: Patch) -> None:
    """A refusal is raised where reload was called, before anything is executed."""

    def refuse(name: str) -> bool:
        raise RuntimeError(f"{name} is refused")

    patched(refuse)
    module = importlib.import_module("counted")
    with pytest.raises(RuntimeError, match="counted is refused"):
        importlib.reload(module)
    assert samples() == ["counted"]


def test_what_is_no_loaded_module_gets_the_error_it_always_got(samples: Executed, patched: Patch) -> None:
    """Nobody is asked about something that can't be reloaded anyway."""
    asked: list[str] = []
    patched(lambda name: not asked.append(name))  # type: ignore[func-returns-value]  # always true
    with pytest.raises(TypeError, match=r"reload\(\) argument must be a module"):
        importlib.reload("counted")  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ImportError, match=r"module never_loaded not in sys\.modules"):
        importlib.reload(ModuleType("never_loaded"))
    module = importlib.import_module("counted")
    del sys.modules["counted"]
    with pytest.raises(ImportError, match=r"module counted not in sys\.modules"):
        importlib.reload(module)
    assert asked == []


def test_it_looks_like_the_original(patched: Patch) -> None:
    """Name, documentation and signature are those of importlib.reload."""
    original = importlib.reload
    patched(lambda _: False)
    assert importlib.reload is not original
    assert importlib.reload.__name__ == "reload"
    assert importlib.reload.__doc__ == original.__doc__
    assert inspect.signature(importlib.reload) == inspect.signature(original)


def test_putting_back_gives_the_original(patched: Patch) -> None:
    """The very function that was there is there again, and putting back twice is harmless."""
    original = importlib.reload
    put_back = patched(lambda _: True)
    put_back()
    assert importlib.reload is original
    put_back()
    assert importlib.reload is original


def test_somebody_elses_patch_stays(samples: Executed, patched: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """A patch that was put over ours is not taken away, and what it calls of ours just reloads."""
    put_back = patched(lambda _: True)
    ours = importlib.reload

    def theirs(module: ModuleType) -> ModuleType:
        return ours(module)

    with monkeypatch.context() as patch:
        patch.setattr(importlib, "reload", theirs)
        put_back()
        assert importlib.reload is theirs
        importlib.reload(importlib.import_module("counted"))
    assert samples() == ["counted", "counted"]
    # monkeypatch has put our function back, which asks nobody any more.
    importlib.reload(sys.modules["counted"])
    assert samples() == ["counted", "counted", "counted"]


def test_an_inner_patch_is_put_back_before_the_outer_one(samples: Executed, patched: Patch) -> None:
    """Two sessions in one process, one inside the other: each puts back what it has found."""
    asked: list[str] = []
    original = importlib.reload
    put_back_outer = patched(lambda _: bool(asked.append("outer")))  # type: ignore[func-returns-value]  # false
    outer = importlib.reload
    put_back_inner = patched(lambda _: bool(asked.append("inner")))  # type: ignore[func-returns-value]  # false
    module = importlib.import_module("counted")
    importlib.reload(module)
    assert asked == ["inner", "outer"]
    put_back_inner()
    assert importlib.reload is outer
    importlib.reload(module)
    assert asked == ["inner", "outer", "outer"]
    put_back_outer()
    assert importlib.reload is original
