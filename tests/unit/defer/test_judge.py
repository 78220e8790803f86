"""The judge of a session without a guard, and what it shares with the guard."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.defer.judge import Keeping
from pytest_heavyimports.errors import HalfImported
from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.imports.half import comes_with, raise_half
from pytest_heavyimports.imports.install import install
from pytest_heavyimports.imports.keeper import Half, Keeper

HERE = Place("call", "test_it.py::test_it")


def half(error: BaseException) -> Half:
    """What is known of a module whose import has failed so."""
    return Half(error, error.__traceback__, HERE)


def test_the_first_error_is_raised_again() -> None:
    """With a note of where it was, and its own traceback."""
    with pytest.raises(ZeroDivisionError) as first:
        1 / 0  # noqa: B018
    with pytest.raises(ZeroDivisionError) as again:
        raise_half("torch", half(first.value))
    assert again.value is first.value
    assert again.value.__notes__ == [
        "'torch' failed half-way while it was first imported: test_it.py::test_it (call). It can't be done again."
    ]


def test_what_is_no_error_of_the_module_is_told() -> None:
    """It is not raised once more: the run would end."""
    with pytest.raises(HalfImported, match="KeyboardInterrupt"):
        raise_half("torch", half(KeyboardInterrupt()))


def test_nobody_is_judged() -> None:
    """Reloads and imports of a missing module raise nothing; a module that failed half-way raises its first error."""
    keeping = Keeping(
        Keeper(), is_kept=lambda name: name == "torch", place=lambda: HERE, importing=lambda _: nullcontext()
    )
    assert not keeping.is_lifted()
    assert not keeping.on_reload("torch")
    assert [keeping.is_protected(name) for name in ("torch", "json")] == [True, False]
    keeping.on_reimport("torch", is_nested=False)
    with pytest.raises(ValueError, match="odd"):
        keeping.on_half("torch", half(ValueError("odd")))


def test_what_is_missing_is_given_back(samples: Callable[[], list[str]]) -> None:
    """A module that somebody has taken away is the same again, and is executed once; a reload executes it again."""
    importing: Callable[[str], Any] = lambda _: nullcontext()  # noqa: E731
    keeping = Keeping(
        keeper := Keeper(), is_kept=lambda name: name == "counted", place=lambda: HERE, importing=importing
    )
    with install(keeping, keeper):
        counted = importlib.import_module("counted")
        del sys.modules["counted"]
        assert importlib.import_module("counted") is counted
        assert samples() == ["counted"]
        assert importlib.reload(counted) is counted
        assert samples() == ["counted", "counted"]


def test_an_import_is_told_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """From its begin to its end."""
    told: list[str] = []
    keeper = Keeper()

    def importing(fullname: str) -> Any:
        told.append(fullname)
        return nullcontext()

    keeping = Keeping(keeper, is_kept=lambda _: True, place=lambda: HERE, importing=importing)
    monkeypatch.setattr(keeper, "importing", lambda *given, **_: told.append(given) or nullcontext())
    with keeping.importing("torch"):
        pass
    assert told == ["torch", ("torch", HERE)]


def module(name: str, origin: str | None) -> ModuleType:
    """One from that file."""
    made = ModuleType(name)
    made.__spec__ = ModuleSpec(name, object(), origin=origin)  # type: ignore[arg-type]  # any loader
    return made


def test_what_comes_back_with_a_heavy_module(tmp_path: Any) -> None:
    """All but the code under test: Python's own modules, what is installed, and what has no file."""
    assert comes_with("json", json)
    assert comes_with("made", ModuleType("made"))
    assert comes_with("built", module("built", None))
    assert comes_with("pytest", pytest)
    assert not comes_with("app", module("app", str(tmp_path / "app.py")))
