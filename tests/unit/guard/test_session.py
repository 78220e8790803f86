"""The guard of one session: what it answers, and whom it tells."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from pytest_heavyimports.errors import HeavyImportWarning, ModulesDisplaced, ReimportRefused, ReloadRefused
from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.places import Place, Whereabouts
from pytest_heavyimports.facts.records import Import, Leak, Reimport, Reload
from pytest_heavyimports.guard.session import Guard, stood_in_for
from pytest_heavyimports.imports.keeper import Keeper

NAME = "plainpkg"
TEST = "test_it.py::test_it"
FIRST = Place("setup", "test_it.py::test_first")


class Session:
    """A session in which a protected module was imported."""

    def __init__(self, mode: str) -> None:
        self.ledger = Ledger()
        self.keeper = Keeper()
        self.module = ModuleType(NAME)
        self.module.__spec__ = ModuleSpec(NAME, object())  # type: ignore[arg-type]  # any loader
        sys.modules[NAME] = self.module
        self.guard = Guard(
            mode, self.keeper, ledger=self.ledger, whereabouts=Whereabouts("/"), around=lambda _: nullcontext()
        )
        self.guard.protect({NAME: NAME})
        self.ledger.record(Import(NAME, FIRST))
        self.guard.settle_start()

    def events(self, kind: type) -> list[object]:
        """What was recorded of a kind."""
        return [event for event in self.ledger if isinstance(event, kind)]


@pytest.fixture
def sessions() -> Iterator[type[Session]]:
    """``sys.modules`` is afterwards as it was."""
    before = dict(sys.modules)
    yield Session
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]


def test_a_reload_is_ignored_with_a_warning(sessions: type[Session]) -> None:
    """In restore; other modules are reloaded."""
    session = sessions("restore")
    assert not session.guard.on_reload("json")
    with pytest.warns(HeavyImportWarning, match=NAME):
        assert session.guard.on_reload(NAME)
    assert [(event.fullname, event.refused) for event in session.events(Reload)] == [(NAME, False)]


def test_a_reload_is_refused(sessions: type[Session]) -> None:
    """In error; not in a test that lifts the guard."""
    session = sessions("error")
    with pytest.raises(ReloadRefused, match=f"{FIRST.nodeid}"):
        session.guard.on_reload(NAME)
    with session.guard.testing(TEST, is_lifted=True):
        assert session.guard.is_lifted()
        assert not session.guard.on_reload(NAME)
    assert not session.guard.is_lifted()


def test_the_culprit_alone_is_refused_a_re_import(sessions: type[Session]) -> None:
    """In error; others are given the module back, and so is who imports another one at that time."""
    session = sessions("error")
    with session.guard.testing(TEST, is_lifted=False):
        del sys.modules[NAME]
        with pytest.raises(ReimportRefused, match="test_it"):
            session.guard.on_reimport(NAME, is_nested=False)
        session.guard.on_reimport(NAME, is_nested=True)
    with session.guard.testing("test_it.py::test_other", is_lifted=False):
        session.guard.on_reimport(NAME, is_nested=False)
    assert [event.refused for event in session.events(Reimport)] == [True, False, False]


def test_what_a_test_has_displaced_is_put_back_and_told(sessions: type[Session]) -> None:
    """When it has been torn down, to itself."""
    session = sessions("restore")
    with session.guard.testing(TEST, is_lifted=False):
        del sys.modules[NAME]
        [told] = session.guard.settle_test(TEST)
    assert isinstance(told, ModulesDisplaced)
    assert TEST in str(told)
    assert sys.modules[NAME] is session.module
    assert session.events(Leak) == [Leak((NAME,), Place("", TEST), False, False)]
    assert session.guard.settle_test(TEST) == []


def test_nothing_is_told_where_the_guard_is_lifted(sessions: type[Session]) -> None:
    """It is put back all the same."""
    session = sessions("error")
    with session.guard.testing(TEST, is_lifted=True):
        del sys.modules[NAME]
        assert session.guard.settle_test(TEST) == []
    assert sys.modules[NAME] is session.module
    assert session.events(Leak) == []


def test_what_a_fixture_has_displaced_is_its_own(sessions: type[Session]) -> None:
    """Until it has been finalized."""
    session, fixture = sessions("restore"), object()
    place = Place("setup", TEST, "evicting")
    with session.guard.testing(TEST, is_lifted=False):
        with session.guard.setting_up(fixture, place, is_shared=False):
            del sys.modules[NAME]
        assert session.guard.settle(session.guard.watch.actor) == []
        assert NAME not in sys.modules
        session.guard.finalized(fixture, place)
        [told] = session.guard.settle_fixtures()
    assert "'evicting'" in str(told)
    assert sys.modules[NAME] is session.module


def test_what_a_file_has_displaced_is_told_to_it(sessions: type[Session]) -> None:
    """Not where its mark lifts the guard."""
    session = sessions("restore")
    for is_lifted in (False, True):
        with session.guard.collecting("test_it.py"):
            del sys.modules[NAME]
        assert len(session.guard.settle_file("test_it.py", is_lifted=is_lifted)) == int(not is_lifted)
        assert sys.modules[NAME] is session.module


def test_the_first_import_is_recorded(sessions: type[Session]) -> None:
    """With its place and its error."""
    session = sessions("restore")
    with pytest.raises(KeyError), session.guard.importing("other"):
        raise KeyError("x")
    with session.guard.importing("third"):
        pass
    # Others that this process has imported are recorded as what came with the first.
    imports = [event for event in session.ledger.imports() if event.fullname in ("other", "third")]
    assert [(event.fullname, event.error) for event in imports] == [("other", "KeyError('x')"), ("third", "")]


def test_our_own_stand_ins_are_nobodys_displacement(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finder says which they are."""

    class Finder:
        is_stand_in = True

        @staticmethod
        def covering(name: str) -> bool:
            return name == "torch"

    assert stood_in_for(["torch", "json"]) == []
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    assert stood_in_for(["torch", "json"]) == ["torch"]
