"""What is said of what stands in ``sys.modules``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_heavyimports.imports.modules import (
    declared_spec,
    holds,
    is_finished,
    is_namespace,
    is_real,
    take_away,
    take_fake,
)

if TYPE_CHECKING:
    import pytest

Executed = Callable[[], "list[str]"]


def test_real_modules_have_a_spec_of_their_name_and_a_loader(samples: Executed) -> None:
    """A module that a finder has found is real; made by hand, or under another name, it is not."""
    module = importlib.import_module("counted")
    assert is_real("counted", module)
    assert not is_real("another", module)
    assert not is_real("made", ModuleType("made"))
    without_loader = ModuleType("made")
    without_loader.__spec__ = ModuleSpec("made", None)
    assert not is_real("made", without_loader)


def test_a_spec_is_read_without_asking_the_object() -> None:
    """A lazy module is not woken, and a fake that has every attribute has no spec."""

    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

    class HasEverything:
        def __getattr__(self, name: str) -> object:
            return object()

    assert declared_spec(Lazy("lazy")) is None
    assert declared_spec(HasEverything()) is None
    assert declared_spec(42) is None
    assert declared_spec(None) is None


def test_a_module_is_finished_when_importlib_says_so() -> None:
    """A module without a spec is no import under way."""
    module = ModuleType("apkg")
    module.__spec__ = ModuleSpec("apkg", None)
    assert is_finished(module)
    module.__spec__._initializing = True  # type: ignore[attr-defined]  # importlib's own mark
    assert not is_finished(module)
    assert is_finished(ModuleType("made"))


def test_what_is_taken_away_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there, also None; a name that was not there is not there then."""
    monkeypatch.setitem(sys.modules, "taken", module := ModuleType("taken"))
    monkeypatch.setitem(sys.modules, "blocked", None)  # type: ignore[arg-type]  # as Python allows
    put_back = take_away(["taken", "blocked", "absent"])
    assert not sys.modules.keys() & {"taken", "blocked", "absent"}
    put_back()
    assert (sys.modules["taken"], sys.modules["blocked"]) == (module, None)
    assert "absent" not in sys.modules


def test_a_fake_is_taken_away_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the module itself, nor a real one; nothing is put where nothing was."""
    module, fake = ModuleType("taken"), object()
    for there, is_taken in ((fake, True), (module, False)):
        monkeypatch.setitem(sys.modules, "taken", there)  # type: ignore[arg-type]  # as Python allows
        put_back = take_fake("taken", module)
        assert ("taken" not in sys.modules) == is_taken
        put_back()
        assert sys.modules["taken"] is there
    del sys.modules["taken"]
    take_fake("taken", module)()
    assert "taken" not in sys.modules


def test_what_a_module_holds() -> None:
    """Modules, their functions and classes, and instances of their classes; a package's own parts don't count."""
    part, other = ModuleType("package.part"), ModuleType("other")
    thing = type("Thing", (), {"__module__": "package.part"})

    def function() -> None: ...

    function.__module__ = "package.part"
    names = {"package.part"}
    for value in (part, thing, thing(), function):
        vars(other)["value"] = value
        assert holds(other, names)
    vars(other)["value"] = "package.part"
    assert not holds(other, names)
    assert not holds(object(), names)
    package = ModuleType("package")
    vars(package)["part"] = part
    assert not holds(package, names)
    vars(package)["alias"] = part
    assert holds(package, names)


def test_namespace_packages() -> None:
    """They have no file, and a path."""
    module = ModuleType("package")
    module.__spec__ = ModuleSpec("package", None, is_package=True)
    assert is_namespace(module)
    module.__spec__.origin = "/package/__init__.py"
    assert not is_namespace(module)
    assert not is_namespace(None)
