"""What the keeper keeps, hands out and puts back."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.imports.keeper import Keeper

Executed = Callable[[], "list[str]"]
HERE = Place("call", "test_it.py::test_it")


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """``sys.modules`` is afterwards as it was."""
    before = dict(sys.modules)
    yield
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)


def _module(fullname: str, **namespace: Any) -> ModuleType:
    """A module that looks as if a finder had found it, in ``sys.modules``."""
    module = ModuleType(fullname)
    module.__spec__ = ModuleSpec(fullname, object())  # type: ignore[arg-type]  # any loader
    vars(module).update(namespace)
    sys.modules[fullname] = module
    return module


def _all_come_with(fullname: str, module: object) -> bool:
    return True


def test_what_is_kept_is_found_and_displaced_when_it_is_gone() -> None:
    """A kept module is handed out by name; it is displaced while it is missing, or something else is in its place."""
    keeper = Keeper()
    module = _module("apkg")
    keeper.keep("apkg", module)
    assert keeper.find("apkg") is module
    assert keeper.find("another") is None
    assert not keeper.is_displaced("apkg")
    assert keeper.displaced() == {}
    del sys.modules["apkg"]
    assert keeper.is_displaced("apkg")
    assert keeper.displaced() == {"apkg": None}
    fake = ModuleType("apkg")
    sys.modules["apkg"] = fake
    assert keeper.displaced() == {"apkg": fake}
    assert not keeper.is_displaced("another")


def test_the_spec_that_it_had_when_it_was_kept() -> None:
    """What the import system writes into the module later doesn't count."""
    keeper = Keeper()
    module = _module("apkg")
    spec = module.__spec__
    keeper.keep("apkg", module)
    module.__spec__ = ModuleSpec("apkg", None)
    assert keeper.spec("apkg") is spec
    assert keeper.spec("another") is None


def test_adopting_takes_what_is_real_and_finished() -> None:
    """Fakes, ``None``, what is still being executed, and names that aren't there are not adopted."""
    keeper = Keeper()
    real = _module("apkg")
    unfinished = _module("apkg.unfinished")
    assert unfinished.__spec__ is not None
    unfinished.__spec__._initializing = True  # type: ignore[attr-defined]  # importlib's own mark
    sys.modules["apkg.fake"] = ModuleType("apkg.fake")
    sys.modules["apkg.none"] = None  # type: ignore[assignment]  # as to play "not installed"
    keeper.adopt(["apkg", "apkg.unfinished", "apkg.fake", "apkg.none", "apkg.absent"])
    assert keeper.kept == {"apkg": real}


def test_adopting_leaves_what_is_kept() -> None:
    """Something that stands in the place of a kept module doesn't take its place, however real it looks."""
    keeper = Keeper()
    first = _module("apkg")
    keeper.keep("apkg", first)
    _module("apkg")
    keeper.adopt(["apkg"])
    assert keeper.kept["apkg"] is first


def test_what_is_executed_is_kept_at_its_end() -> None:
    """While a module is executed it can be found, but isn't kept; at the end it is."""
    keeper = Keeper()
    module = _module("apkg")
    with keeper.executing("apkg", module):
        assert keeper.find("apkg") is module
        assert keeper.kept == {}
    assert keeper.kept == {"apkg": module}


def test_what_fails_is_not_kept() -> None:
    """A module whose execution raises is neither kept nor found."""
    keeper = Keeper()
    module = _module("apkg")
    with pytest.raises(OSError, match="broken"), keeper.executing("apkg", module):
        raise OSError("broken")
    assert keeper.kept == {}
    assert keeper.find("apkg") is None


def test_a_module_that_replaces_itself() -> None:
    """What a module has put in its own place while it was executed is what is kept."""
    keeper = Keeper()
    replacement = types.SimpleNamespace(answer=42)
    with keeper.executing("apkg", _module("apkg")):
        sys.modules["apkg"] = replacement  # type: ignore[assignment]  # as some modules do
    assert keeper.kept == {"apkg": replacement}


def test_a_module_that_is_taken_away_while_it_is_executed() -> None:
    """Another thread may purge it: it is put back at the end, its kept parents too."""
    keeper = Keeper()
    parent, child = _module("apkg"), _module("apkg.part")
    keeper.keep("apkg", parent)
    with keeper.executing("apkg.part", child):
        del sys.modules["apkg.part"], sys.modules["apkg"]
    assert sys.modules["apkg.part"] is child
    assert sys.modules["apkg"] is parent


def test_all_parts_that_c_code_puts_in_while_a_package_is_executed_are_kept() -> None:
    """However many: no finder sees them, and another thread may purge them before the import has ended."""
    keeper = Keeper()
    with keeper.executing("apkg", _module("apkg")):
        with keeper.executing("apkg.part", _module("apkg.part")):
            parts = {name: _module(name) for name in ("apkg._one", "apkg._two", "apkg._three")}
        for name in parts:
            del sys.modules[name]
    assert {name: keeper.find(name) for name in parts} == parts


def test_what_a_module_brings_in_is_kept_or_comes_with_it() -> None:
    """At the end of an import: parts of the package that nobody saw are kept; others that came in come with it."""
    keeper = Keeper()
    with keeper.importing("apkg", HERE, comes_with=_all_come_with):
        module = _module("apkg")
        with keeper.executing("apkg", module):
            hidden = _module("apkg._core")
            other = _module("otherpkg")
    assert keeper.kept == {"apkg": module, "apkg._core": hidden}
    assert keeper.find("otherpkg") is None, "it is there"
    del sys.modules["otherpkg"]
    assert keeper.find("otherpkg") is None, "nobody has taken away what brought it in"
    del sys.modules["apkg"]
    assert keeper.find("otherpkg") is other


def test_who_comes_with_it_is_asked() -> None:
    """What is not to come back with the module is not handed out."""
    keeper = Keeper()
    asked = []

    def comes_with(fullname: str, module: object) -> bool:
        asked.append(fullname)
        return fullname == "otherpkg"

    with keeper.importing("apkg", HERE, comes_with=comes_with), keeper.executing("apkg", _module("apkg")):
        _module("undertest")
        other = _module("otherpkg")
    for name in ("apkg", "undertest", "otherpkg"):
        del sys.modules[name]
    assert {"otherpkg", "undertest"} <= set(asked)
    assert keeper.find("undertest") is None
    assert keeper.find("otherpkg") is other


def test_the_family_of_a_module() -> None:
    """The outermost package that is kept: not a namespace, nor a package of somebody's own."""
    keeper = Keeper()
    _module("space")
    for name in ("space.one", "space.one.part", "space.two"):
        keeper.keep(name, _module(name))
    assert keeper.family("space.one.part") == "space.one"
    assert keeper.family("space.one.part.unknown") == "space.one"
    assert keeper.family("unknown.part") == "unknown.part"
    assert keeper.families() == {"space.one": {"space.one", "space.one.part"}, "space.two": {"space.two"}}
    for name in ("space.one", "space.one.part", "space.two"):
        del sys.modules[name]
    keeper.give_back("space.one.part")
    assert "space.one" in sys.modules
    assert "space.two" not in sys.modules


def test_a_part_that_a_package_makes_is_its_own() -> None:
    """Whatever it looks like; but not what was there before, under a name of the package."""
    keeper = Keeper()
    before = sys.modules["apkg.before"] = ModuleType("apkg.before")
    with keeper.importing("apkg", HERE, comes_with=_all_come_with), keeper.executing("apkg", _module("apkg")):
        made = sys.modules["apkg.made"] = ModuleType("apkg.made")
    assert keeper.find("apkg.made") is made
    assert keeper.find("apkg.before") is None
    with keeper.importing("apkg.part", HERE, comes_with=_all_come_with):
        _module("apkg.part")
    assert keeper.find("apkg.before") is None
    assert sys.modules["apkg.before"] is before


def test_what_it_uses_comes_back_with_it_though_it_was_there_before() -> None:
    """Where a module of the package holds something of it; the rest is imported anew."""
    keeper = Keeper()
    used, unused = _module("usedpkg"), _module("unusedpkg")
    with keeper.importing("earlierpkg", HERE, comes_with=_all_come_with):
        keeper.keep("earlierpkg", _module("earlierpkg"))
    with keeper.importing("apkg", HERE, comes_with=_all_come_with):
        keeper.keep("apkg", _module("apkg", used=used))
    assert keeper.find("usedpkg") is None
    for name in ("apkg", "usedpkg", "unusedpkg"):
        del sys.modules[name]
    assert keeper.find("usedpkg") is used
    assert keeper.find("unusedpkg") is None
    assert keeper.relatives(["apkg"])[:1] != []
    keeper.put_back(["apkg"])
    assert sys.modules["usedpkg"] is used
    assert "unusedpkg" not in sys.modules
    keeper.forget(["apkg", *keeper.relatives(["apkg"])])
    del sys.modules["usedpkg"]
    assert keeper.find("usedpkg") is None
    assert unused is not None


def test_a_fake_that_it_uses_does_not_come_back_with_it() -> None:
    """It lay there when the module was imported; who put it there has taken it out again."""
    keeper = Keeper()
    fake = sys.modules["faked"] = ModuleType("faked")
    with keeper.importing("apkg", HERE, comes_with=_all_come_with):
        module = _module("apkg", faked=fake)
        keeper.keep("apkg", module)
    del sys.modules["apkg"], sys.modules["faked"]
    keeper.put_back(["apkg"])
    assert sys.modules["apkg"] is module
    assert "faked" not in sys.modules


def test_a_package_that_is_executed_anew_has_its_kept_parts() -> None:
    """As its attributes, where they are there; what it has made itself stays."""
    keeper = Keeper()
    for name in ("apkg.one", "apkg.two", "apkg.gone"):
        keeper.keep(name, _module(name))
    del sys.modules["apkg.gone"]
    assert keeper.has_parts("apkg")
    assert not keeper.has_parts("another")
    package = _module("apkg", two=2)
    with keeper.attaching("apkg", package):
        pass
    assert vars(package)["one"] is sys.modules["apkg.one"]
    assert vars(package)["two"] == 2
    assert not hasattr(package, "gone")


def test_what_was_there_before_does_not_come_with_it() -> None:
    """Only what came in during the import belongs to it."""
    keeper = Keeper()
    _module("earlier")
    with keeper.importing("apkg", HERE, comes_with=_all_come_with), keeper.executing("apkg", _module("apkg")):
        pass
    del sys.modules["earlier"], sys.modules["apkg"]
    assert keeper.find("earlier") is None


def test_giving_back_puts_back_the_package_and_what_came_with_it() -> None:
    """All that is missing of the package comes back, with the attributes of the parents; other packages don't."""
    keeper = Keeper()
    with keeper.importing("apkg", HERE, comes_with=_all_come_with), keeper.executing("apkg", _module("apkg")):
        other = _module("otherpkg")
        part = _module("apkg.part")
    keeper.keep("third", _module("third"))
    package = keeper.kept["apkg"]
    assert not hasattr(package, "part")
    for name in ("apkg", "apkg.part", "otherpkg", "third"):
        del sys.modules[name]
    keeper.give_back("apkg.part")
    assert sys.modules["apkg"] is package
    assert sys.modules["apkg.part"] is part is package.part
    assert sys.modules["otherpkg"] is other
    assert "third" not in sys.modules


def test_giving_back_leaves_what_is_in_the_place_of_others() -> None:
    """A fake that stands for another module of the package stays, as does the attribute that a parent has."""
    keeper = Keeper()
    package, part = _module("apkg", part="something of its own"), _module("apkg.part")
    keeper.keep("apkg", package)
    keeper.keep("apkg.part", part)
    fake = sys.modules["apkg.part"] = ModuleType("apkg.part")
    del sys.modules["apkg"]
    keeper.give_back("apkg")
    assert sys.modules["apkg"] is package
    assert sys.modules["apkg.part"] is fake
    assert package.part == "something of its own"


def test_putting_back_takes_fakes_away() -> None:
    """In the place of whatever is there; what was never kept is dropped."""
    keeper = Keeper()
    module = _module("apkg")
    keeper.keep("apkg", module)
    sys.modules["apkg"] = ModuleType("apkg")
    sys.modules["apkg.fake"] = ModuleType("apkg.fake")
    keeper.put_back(["apkg", "apkg.fake", "apkg.absent"])
    assert sys.modules["apkg"] is module
    assert "apkg.fake" not in sys.modules


def test_putting_in_lends() -> None:
    """A fake can be put in for a while: the kept one is displaced, and not lost."""
    keeper = Keeper()
    module = _module("apkg")
    keeper.keep("apkg", module)
    fake = ModuleType("apkg")
    sys.modules["apkg"] = fake
    assert keeper.displaced() == {"apkg": fake}
    keeper.put_back(["apkg"])
    assert keeper.displaced() == {}


def test_a_first_import_that_fails_half_way_is_remembered() -> None:
    """Where finished parts stay behind: with the error and the place."""
    keeper = Keeper()
    error = OSError("broken")

    def fail() -> None:
        with keeper.importing("apkg", HERE, comes_with=_all_come_with):
            _module("apkg.part")
            raise error

    with pytest.raises(OSError, match="broken"):
        fail()
    assert keeper.half["apkg"].error is error
    assert keeper.half["apkg"].place == HERE


def test_a_first_import_that_leaves_nothing_is_forgotten() -> None:
    """It can be tried again; what it has brought in of others is no part of it."""
    keeper = Keeper()

    def fail() -> None:
        with keeper.importing("apkg", HERE, comes_with=_all_come_with):
            _module("otherpkg")
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        fail()
    assert keeper.half == {}


def test_the_standard_library_is_not_handed_out() -> None:
    """A module of the standard library that a test has thrown out is imported anew, as ever."""
    keeper = Keeper()
    sys.modules.pop("colorsys", None)
    with keeper.importing("apkg", HERE, comes_with=_all_come_with), keeper.executing("apkg", _module("apkg")):
        importlib.import_module("colorsys")
    del sys.modules["colorsys"], sys.modules["apkg"]
    assert keeper.find("colorsys") is None


def test_the_generation_grows_whatever_is_kept_or_forgotten() -> None:
    """As many modules as before need not be the same ones."""
    keeper = Keeper()
    seen = [keeper.generation]
    for name in ("apkg", "apkg.part", "other"):
        keeper.keep(name, _module(name))
        seen.append(keeper.generation)
    keeper.forget(["apkg", "apkg.part"])
    seen.append(keeper.generation)
    keeper.keep("apkg", _module("apkg"))
    seen.append(keeper.generation)
    assert seen == sorted(set(seen))
