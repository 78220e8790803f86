"""Modules of the code under test that were imported while a fake was in place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from unittest.mock import MagicMock

import pytest

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.guard.own import Faked, OwnModules
from pytest_heavyimports.guard.watch import Owner
from pytest_heavyimports.imports.modules import BLOCKED

TEST = Owner("test", Place("", "tests/test_a.py::test_it"))
Make = Callable[..., ModuleType]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a module of the code under test, in ``sys.modules`` for the length of a test."""

    def make(fullname: str, **namespace: object) -> ModuleType:
        module = ModuleType(fullname)
        file = f"/project/{fullname.replace('.', '/')}.py"
        module.__spec__ = ModuleSpec(fullname, object(), origin=file)  # type: ignore[arg-type]  # any loader
        vars(module).update(namespace)
        monkeypatch.setitem(sys.modules, fullname, module)
        return module

    return make


def _imported(fake: object, *fullnames: str) -> OwnModules:
    own = OwnModules()
    for name in fullnames:
        module = sys.modules.pop(name)
        own.importing(name, {"plainpkg": Faked(fake, TEST)})
        sys.modules[name] = module
    return own


def test_what_holds_a_fake_that_is_gone_is_taken_out(make: Make) -> None:
    """With what has something of it, off its package as well; the rest stays."""
    fake = MagicMock()

    def read() -> None: ...

    read.__module__ = "app.model"
    model = make("app.model", load=fake.load, read=read)
    make("app.service", read=read)
    make("app.other", own=MagicMock())
    package = make("app", model=model)
    own = _imported(fake, "app", "app.model", "app.service", "app.other")
    (kept,) = own.settle()
    assert kept == (("app.model", "app.service"), "plainpkg", TEST, "")
    assert "app.model" not in sys.modules
    assert "app.service" not in sys.modules
    assert "app.other" in sys.modules
    assert not hasattr(package, "model")
    assert list(own.settle()) == []


def test_a_package_leaves_with_its_parts(make: Make) -> None:
    """Those that hold nothing too, or they would be parts of what is gone; not what only has such a name."""
    fake = MagicMock()
    make("app", load=fake)
    make("app.part")
    make("apple")
    (kept,) = _imported(fake, "app").settle()
    assert kept.fullnames == ("app",)
    assert not {"app", "app.part"} & sys.modules.keys()
    assert "apple" in sys.modules


def test_not_while_the_fake_is_in_place(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever imports it then shall have the fake."""
    fake = MagicMock()
    make("app", load=fake)
    own = _imported(fake, "app")
    monkeypatch.setitem(sys.modules, "plainpkg", fake)
    assert list(own.settle()) == []
    monkeypatch.delitem(sys.modules, "plainpkg")
    assert [kept.fullnames for kept in own.settle()] == [("app",)]


@pytest.mark.parametrize(
    ("fake", "value"),
    [
        (ModuleType("plainpkg"), 1),
        (MagicMock(), MagicMock()),
        (BLOCKED, None),
    ],
    ids=["a number", "another mock", "blocked"],
)
def test_what_is_not_surely_of_the_fake(make: Make, fake: object, value: object) -> None:
    """It may be there for another reason."""
    if isinstance(fake, ModuleType):
        vars(fake).update(number=1, system=sys)
    make("app", value=value, system=sys)
    assert list(_imported(fake, "app").settle()) == []


def test_one_that_holds_two_fakes_is_taken_out_once(make: Make) -> None:
    """Both were put in by the same test, as a rule."""
    one, two = MagicMock(), MagicMock()
    make("app", one=one, two=two)
    module, own = sys.modules.pop("app"), OwnModules()
    own.importing("app", {"onepkg": Faked(one, TEST), "twopkg": Faked(two, TEST)})
    sys.modules["app"] = module
    assert [(kept.fullnames, kept.package) for kept in own.settle()] == [(("app",), "onepkg")]


def test_a_part_of_a_fake_made_by_hand(make: Make) -> None:
    """A function of it, say."""
    fake = ModuleType("plainpkg")
    vars(fake)["load"] = lambda: None
    make("app", load=vars(fake)["load"])
    assert [kept.fullnames for kept in _imported(fake, "app").settle()] == [("app",)]


def test_modules_of_others_stay(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed packages, the standard library, and what pytest has loaded."""
    fake = MagicMock()
    for name in ("installed", "json", "test_it"):
        make(name, load=fake)
    monkeypatch.setattr("pytest_heavyimports.guard.own.is_installed", lambda spec: spec.name == "installed")
    loader = type("Hook", (), {"__module__": "_pytest.assertion.rewrite"})()
    sys.modules["test_it"].__spec__.loader = loader  # type: ignore[union-attr]  # there is one
    assert list(_imported(fake, "installed", "json", "test_it").settle()) == []


def test_one_that_another_module_holds_is_left(make: Make) -> None:
    """But for the file that has put the fake in."""
    fake = MagicMock()
    model = make("app_model", load=fake)
    make("tests.test_a", model=model)
    own = _imported(fake, "app_model")
    make("app_main", model=model)
    (kept,) = own.settle()
    assert kept.holder == "app_main"
    assert sys.modules["app_model"] is model


def test_one_that_can_not_be_executed_again_comes_back(make: Make) -> None:
    """Where that works, the new one stays."""
    fake = MagicMock()
    for name in ("app_one", "app_two"):
        make(name, load=fake)
    one = sys.modules["app_one"]
    own = _imported(fake, "app_one", "app_two")
    assert own.again("app_one") is None
    assert len(list(own.settle())) == 1
    executing = own.again("app_one")
    assert executing is not None
    new = make("app_one")
    with executing("app_one", new):
        raise ValueError
    assert sys.modules["app_one"] is one
    executing = own.again("app_two")
    assert executing is not None
    new = make("app_two")
    with executing("app_two", new):
        pass
    assert sys.modules["app_two"] is new
    assert own.again("app_two") is None


def test_what_is_lent_is_there_for_a_file_alone(make: Make) -> None:
    """In the place of what others have, on the package too."""
    fake = MagicMock()
    package = make("app")
    model = make("app.model", load=fake)
    vars(package)["model"] = model
    own = _imported(fake, "app.model")
    (kept,) = own.settle()
    own.lend(kept, "tests/test_a.py")
    other = vars(package)["model"] = make("app.model")
    with own.lending("tests/test_a.py::test_it"):
        assert sys.modules["app.model"] is model
        assert vars(package)["model"] is model
    with own.lending("tests/test_b.py::test_it"):
        assert sys.modules["app.model"] is other
    assert sys.modules["app.model"] is other
    assert vars(package)["model"] is other


def test_a_part_is_not_lent_without_its_package(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has thrown out both, and an import is to bring both in; a package that is lent has its parts."""
    fake = MagicMock()
    for name in ("app", "app.model", "lib", "lib.part"):
        make(name, load=None if name == "app" else fake)
    own = _imported(fake, "app.model", "lib", "lib.part")
    (kept,) = own.settle()
    own.lend(kept, "tests/test_a.py")
    with own.lending("tests/test_a.py::test_it"):
        assert {"app.model", "lib", "lib.part"} <= sys.modules.keys()
    monkeypatch.delitem(sys.modules, "app")
    with own.lending("tests/test_a.py::test_it"):
        assert {"lib", "lib.part"} <= sys.modules.keys()
        assert "app.model" not in sys.modules
