"""The ledger of events."""

from __future__ import annotations

from typing import NoReturn

from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import Forgotten, Import, Reload

PLACE = Place("call", "test_a.py::test_one")


def test_events_are_given_in_order() -> None:
    """Iterating gives all events, oldest first, whatever is recorded meanwhile."""
    ledger = Ledger()
    events = [Import("torch", PLACE), Reload("torch", PLACE, refused=True), Import("numpy", PLACE)]
    for event in events:
        ledger.record(event)
    seen = []
    for event in ledger:
        ledger.record(Import("another", PLACE))
        seen.append(event)
    assert seen == events


def test_imports_are_those_events_that_are_imports() -> None:
    """Reloads are left out."""
    ledger = Ledger()
    ledger.record(Reload("torch", PLACE, refused=False))
    ledger.record(Import("numpy", PLACE))
    assert ledger.imports() == [Import("numpy", PLACE)]


def test_the_import_of_a_module_is_its_first() -> None:
    """The oldest import of the module itself is given."""
    ledger = Ledger()
    ledger.record(Import("torch", PLACE, 1.0))
    ledger.record(Import("torch", PLACE, 2.0))
    assert ledger.import_of("torch") == Import("torch", PLACE, 1.0)
    assert ledger.import_of("torch.nn") is None


def test_what_is_forgotten_was_not_imported() -> None:
    """The next import is the first; the others are as they were."""
    ledger = Ledger()
    ledger.record(Import("app", PLACE, 1.0))
    ledger.record(Import("numpy", PLACE))
    ledger.record(Forgotten(("app", "app.model")))
    assert ledger.import_of("app") is None
    assert ledger.import_of("numpy") == Import("numpy", PLACE)
    ledger.record(Import("app", PLACE, 2.0))
    assert ledger.import_of("app") == Import("app", PLACE, 2.0)


def test_looking_for_an_import_does_not_go_through_all_events() -> None:
    """The guard asks for every package that is kept, after every import: it mustn't take longer the more there were."""

    class Ledgers(Ledger):
        def __iter__(self) -> NoReturn:
            raise AssertionError("it went through all events")

    ledger = Ledgers()
    ledger.record(Import("torch", PLACE))
    assert ledger.import_of("torch") == Import("torch", PLACE)
    assert ledger.first_import("torch.nn") == Import("torch", PLACE)
    assert ledger.import_of("numpy") is None


def test_a_submodule_was_first_imported_with_its_nearest_parent() -> None:
    """A module that has no event of its own came in with the nearest parent that has one."""
    ledger = Ledger()
    torch, nn = Import("torch", PLACE), Import("torch.nn", PLACE)
    ledger.record(torch)
    ledger.record(nn)
    assert ledger.first_import("torch.nn.functional") is nn
    assert ledger.first_import("torch.nn") is nn
    assert ledger.first_import("torch.overrides") is torch
    assert ledger.first_import("torchvision") is None
