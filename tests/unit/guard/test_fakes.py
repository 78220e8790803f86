"""Stand-ins for protected modules: who may see them, and while when."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from unittest.mock import MagicMock

import pytest

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.guard.fakes import Fakes, is_held, shown
from pytest_heavyimports.guard.policy import Protection
from pytest_heavyimports.imports.keeper import Keeper
from pytest_heavyimports.imports.modules import BLOCKED

FILE = Place("collect", "tests/test_a.py")
FOLDER = Place("collect", "tests")
NAME = "plainpkg"
Put = Callable[[object], object]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts something into ``sys.modules`` for the length of a test."""
    monkeypatch.setattr(
        "pytest_heavyimports.guard.fakes.locate", lambda name: real().__spec__ if name == NAME else None
    )

    def put(module: object) -> object:
        monkeypatch.setitem(sys.modules, NAME, module)  # type: ignore[arg-type]  # a fake
        return module

    return put


@pytest.fixture
def fakes(put: Put, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """Those of a session that protects the module, which is not there."""
    put(None)
    monkeypatch.delitem(sys.modules, NAME)
    fakes = Fakes(Keeper())
    fakes.watch_over(Protection({NAME: NAME}))
    return fakes


def real() -> ModuleType:
    """A module that a finder has found."""
    module = ModuleType(NAME)
    module.__spec__ = ModuleSpec(NAME, object(), origin="/site-packages/plainpkg.py")  # type: ignore[arg-type]
    return module


def test_a_fake_of_what_was_never_imported_is_found(fakes: Fakes, put: Put) -> None:
    """As soon as it is there, and until it is gone."""
    assert fakes.look(is_anything_displaced=False) == {}
    assert not fakes.has_changed()
    fake = put(MagicMock())
    assert fakes.has_changed()
    assert fakes.look(is_anything_displaced=False) == {NAME: fake}
    assert fakes.packages_in_place() == {NAME: fake}
    assert not fakes.has_changed()
    del sys.modules[NAME]
    assert fakes.look(is_anything_displaced=False) == {}


def test_what_is_real_is_none(fakes: Fakes, put: Put) -> None:
    """It is kept from now on."""
    module = put(real())
    assert fakes.look(is_anything_displaced=False) == {}
    assert fakes._keeper.kept[NAME] is module


def test_a_fake_of_what_is_not_installed_hides_nothing(fakes: Fakes, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing real that it would be in the place of."""
    monkeypatch.setattr("pytest_heavyimports.guard.fakes.locate", lambda _: None)
    put(MagicMock())
    assert fakes.look(is_anything_displaced=False) == {}


@pytest.mark.parametrize(
    ("place", "nodeid", "is_there"),
    [
        (FILE, "tests/test_a.py::test_it", True),
        (FILE, "tests/test_b.py::test_it", False),
        (FOLDER, "tests/sub/test_b.py", True),
        (FOLDER, "tests_too/test_b.py", False),
        (Place("collect", ""), "elsewhere/test_b.py::test_it", True),
    ],
)
def test_a_lent_fake_is_there_for_its_tests(fakes: Fakes, place: Place, nodeid: str, *, is_there: bool) -> None:
    """Those of the file, or of the directory; it is gone after each."""
    fake = MagicMock()
    fakes.lend({NAME: fake}, place)
    with fakes.lending(nodeid):
        assert (sys.modules.get(NAME) is fake) is is_there
        assert fakes.tolerated() == ({NAME: fake} if is_there else {})
        assert fakes.tolerated_since(NAME) == (place if is_there else None)
    assert NAME not in sys.modules
    assert fakes.tolerated() == {}


def test_a_blocked_module_is_lent_as_none(fakes: Fakes) -> None:
    """So that an import of it fails; what somebody else puts in meanwhile stays."""
    fakes.lend({NAME: BLOCKED}, FILE)
    with fakes.lending("tests/test_a.py::test_it"):
        assert sys.modules[NAME] is None
        sys.modules[NAME] = other = ModuleType(NAME)
    assert sys.modules.pop(NAME) is other


def test_a_tolerated_fake_is_so_for_the_session(fakes: Fakes) -> None:
    """It is told since when."""
    fakes.tolerate({NAME: BLOCKED}, Place("before collection"))
    assert fakes.tolerated() == {NAME: BLOCKED}
    assert fakes.tolerated_since(NAME) == Place("before collection")
    assert fakes.tolerated_since("torch") is None


def test_who_holds_something_of_a_fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """It, a part of it, or any mock where it is one; other packages don't matter."""
    fake, part = ModuleType("torch"), object()
    vars(fake)["part"] = part
    holder = ModuleType("holder.inner")
    monkeypatch.setitem(sys.modules, "holder.inner", holder)
    assert not is_held(fake, "holder")
    vars(holder)["name"] = part
    assert is_held(fake, "holder")
    assert not is_held(fake, "hold")
    vars(holder)["name"] = MagicMock().nn
    assert is_held(MagicMock(), "holder")
    assert not is_held(fake, "holder")


def test_fakes_for_people() -> None:
    """What they are."""
    assert [shown(fake) for fake in (BLOCKED, ModuleType("x"), MagicMock())] == [
        "None",
        "a module made by hand",
        "a MagicMock",
    ]
