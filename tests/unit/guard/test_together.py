"""Packages that are thrown out together with modules that import them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from pytest_heavyimports.guard.policy import Protection
from pytest_heavyimports.guard.together import ThrownTogether
from pytest_heavyimports.imports.keeper import Keeper

Keep = Callable[..., ModuleType]


@pytest.fixture
def keeper() -> Keeper:
    """Keeps nothing yet."""
    return Keeper()


@pytest.fixture
def keep(keeper: Keeper) -> Keep:
    """Keeps a module that is not in ``sys.modules``."""

    def keep(fullname: str, origin: str = "/site-packages/it.py", **namespace: object) -> ModuleType:
        module = ModuleType(fullname)
        module.__spec__ = ModuleSpec(fullname, object(), origin=origin)  # type: ignore[arg-type]  # any loader
        vars(module).update(namespace)
        keeper.keep(fullname, module)
        return module

    return keep


@pytest.fixture
def thrown(keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThrownTogether:
    """``using_it`` was executed, and is missing."""
    (tmp_path / "using_it.py").write_text("from register.names import add\n")
    (tmp_path / "broken_it.py").write_text("from register import (\n")
    monkeypatch.syspath_prepend(tmp_path)
    thrown = ThrownTogether(keeper)
    for name in ("absent_it", "broken_it", "using_it"):
        with thrown.executing(name, ModuleType(name)):
            pass
    return thrown


PROTECTION = Protection({"register": "register"})


def test_both_are_missing(thrown: ThrownTogether, keep: Keep) -> None:
    """The package with its parts, and who imports it."""
    keep("register")
    keep("register.names")
    found = thrown.find("register.names", PROTECTION)
    assert found == (("register", "register.names"), ("register", "register.names"), ("using_it",))


def test_it_is_being_executed_again(thrown: ThrownTogether, keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    """And asks for the package; one that is through has had it."""
    keep("register")
    module = ModuleType("using_it")
    module.__spec__ = ModuleSpec("using_it", None)
    monkeypatch.setitem(sys.modules, "using_it", module)
    assert thrown.find("register", PROTECTION) is None
    module.__spec__._initializing = True  # type: ignore[attr-defined]  # importlib's own mark
    assert thrown.find("register", PROTECTION) is not None


def test_a_part_is_still_there(thrown: ThrownTogether, keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two halves of a package would not fit."""
    keep("register")
    monkeypatch.setitem(sys.modules, "register.names", keep("register.names"))
    assert thrown.find("register", PROTECTION) is None


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("torch", "/site-packages/it.py"),
        ("register", "/site-packages/it.abi3.so"),
        ("insisted", "/site-packages/it.py"),
    ],
)
def test_what_can_not_be_executed_twice(thrown: ThrownTogether, keep: Keep, name: str, origin: str) -> None:
    """It is known, has C state, or somebody has said so."""
    keep(name, origin)
    protection = Protection({"register": "register", "insisted": "it"}, insisted=frozenset({"insisted"}))
    assert thrown.find(name, protection) is None
    assert thrown.find("never.imported", protection) is None


def test_a_module_that_stays_holds_something_of_it(thrown: ThrownTogether, keep: Keep) -> None:
    """It would be of another copy."""
    keep("lasting", part=keep("register"))
    protection = Protection({"register": "register", "lasting": "it"}, insisted=frozenset({"lasting"}))
    assert thrown.find("register", protection) is None


def test_nobody_uses_it(keeper: Keeper, keep: Keep) -> None:
    """Then it comes back alone."""
    keep("register")
    assert ThrownTogether(keeper).find("register", PROTECTION) is None


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("import register.names", True),
        ("def late():\n    from register import add", True),
        ("from .register import add", False),
        ("from ... import register", False),
        ("import registers", False),
        ("import_module('register')", False),
    ],
)
def test_imports_in_a_source(
    keeper: Keeper, keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, uses: bool
) -> None:
    """Of the package, or of something in it."""
    (tmp_path / "another_user.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    thrown = ThrownTogether(keeper)
    keep("register")
    with thrown.executing("another_user", ModuleType("another_user")):
        pass
    assert (thrown.find("register", PROTECTION) is not None) is uses
