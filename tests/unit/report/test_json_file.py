"""The file for machines, and its schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import (
    Autoloaded,
    FakeKept,
    Forgotten,
    Import,
    Leak,
    Phase,
    Reimport,
    Reload,
    Warned,
)
from pytest_heavyimports.report.account import Account, as_values
from pytest_heavyimports.report.json_file import VERSION, document
from pytest_heavyimports.report.model import make_report

from .trees import TORCH

PLACE = Place("call", "test_a.py::test_one", line="test_a.py:3")
SCHEMA = json.loads((files("pytest_heavyimports.report") / "report.schema.json").read_text(encoding="utf-8"))


def _account(name: str) -> Account:
    events = [
        Import("torch", PLACE, 1.5, 2**20),
        Reload("torch", PLACE, refused=True),
        Reimport("torch", PLACE, PLACE, refused=False),
        Leak(("torch", "torch.nn"), PLACE, is_fake=False, is_tolerated=False),
        FakeKept(("app",), "torch", PLACE, is_left=False),
        Warned("torch was thrown out"),
        Autoloaded("foo", "torch-foo 1.0", ("torch_foo",), 0.5, None),
        Forgotten(("app",)),
    ]
    phases = [Phase("test_a.py::test_one", "call", "passed", 10, 20)]
    return Account(name, 1e9, 8_000_000, 100, 200, "", list(enumerate(events)), list(TORCH), phases)


@pytest.fixture
def facts() -> dict[str, Any]:
    report = make_report([_account("gw0"), Account("gw1", died="killed")], ["torch"], lambda _: "2.13.0")
    made = document(report, made_by="us", hint="do this", over_budget=("too much",))
    copy: dict[str, Any] = json.loads(json.dumps(made))
    return copy


def test_the_schema_describes_it(facts: dict[str, Any]) -> None:
    """Every key that is written stands in the schema, and every kind of event."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(facts, SCHEMA, jsonschema.Draft202012Validator)
    assert facts["version"] == SCHEMA["properties"]["version"]["const"] == VERSION


@pytest.mark.parametrize("key", ["modules", "packages", "tree", "processes"])
def test_the_schema_refuses_what_it_does_not_know(facts: dict[str, Any], key: str) -> None:
    """A key that was forgotten there would be found."""
    facts[key][0]["unknown"] = 1
    with pytest.raises(jsonschema.ValidationError, match="unknown"):
        jsonschema.validate(facts, SCHEMA, jsonschema.Draft202012Validator)


def test_events_have_their_fields_and_places_their_text(facts: dict[str, Any]) -> None:
    """Readers need not put a place together."""
    reload = facts["processes"][0]["events"][1]
    assert (reload["event"], reload["at_us"], reload["refused"]) == ("reload", 1, True)
    assert reload["place"] == {**PLACE._asdict(), "text": "test_a.py:3, in test_a.py::test_one (call)"}


def test_an_account_goes_to_another_process_in_parts() -> None:
    """What a worker tells in two parts is what it has seen; its numbers go on counting."""
    whole = _account("gw0")
    first = Account("gw0", 1e9, 5, events=whole.events[:2], loads=whole.loads[:4])
    second = Account("gw0", 1e9, 8_000_000, 100, 200, "", whole.events[2:], whole.loads[4:], whole.phases)
    heard = Account("gw0")
    for part in (first, second):
        heard.add(json.loads(json.dumps(as_values(part))))
    assert vars(heard) == vars(whole)
