"""The calls of a stand-in's objects."""

from __future__ import annotations

import pickle

import pytest

from pytest_heavyimports.errors import StandInRefused
from pytest_heavyimports.stubs.calls import Origin, Record, is_probe, refuse_misspelt


def make(record: Record) -> Record:
    """A value, for which its record stands."""
    return record


@pytest.fixture
def record() -> Record:
    """That of ``torch.load``."""
    return Record(Origin("torch", "--heavy-stub=torch"), "torch.load", "torch.load")


def test_a_call_is_recorded_and_gives_something_new(record: Record) -> None:
    """Each time; its expression is told with what it was called with left out."""
    first, second = record.call((("a",), {}), make), record.call(((), {}), make)
    assert first is not second
    assert (first.shown, second.shown) == ("torch.load(...)", "torch.load()")
    assert first.setting == "torch.load.return_value"
    assert record.recorded("call_count", make) == 2
    record.recorded("assert_any_call", make)("a")


def test_a_configured_value_is_given(record: Record) -> None:
    """And an effect has its way."""
    record.configure("return_value", 3)
    assert [record.call(((), {}), make) for _ in range(2)] == [3, 3]
    record.configure("side_effect", KeyError)
    with pytest.raises(KeyError):
        record.call(((), {}), make)


def test_the_return_value_is_what_the_last_call_gave(record: Record) -> None:
    """Once it was asked for, all later ones give it."""
    last = record.call(((), {}), make)
    assert record.recorded("return_value", make) is last
    assert record.call(((), {}), make) is last


def test_a_decorating_call_gives_what_it_got(record: Record) -> None:
    """Unless something else was configured."""
    assert record.call(((len,), {}), make, decorates=True) is len
    record.configure("return_value", 3)
    assert record.call(((len,), {}), make, decorates=True) == 3


def test_an_attribute_is_always_the_same(record: Record) -> None:
    """Shown as people write it, and so is what to set."""
    child = record.child("shape", make)
    assert record.child("shape", make) is child
    assert (child.shown, child.setting) == ("torch.load.shape", "torch.load.shape")
    assert Record(record.origin, "x").child("y", make).setting == ""


def test_an_assertion_is_refused(record: Record) -> None:
    """It would always pass; one with an effect is the user's."""
    assertion = Record(record.origin, "torch.testing.assert_close", "torch.testing.assert_close")
    with pytest.raises(StandInRefused, match="an assertion"):
        assertion.call(((), {}), make)
    assertion.configure("side_effect", lambda: 5)
    assert assertion.call(((), {}), make) == 5


def test_refusals_are_heard_of() -> None:
    """By whoever has made the stand-in."""
    heard: list[StandInRefused] = []
    record = Record(Origin("torch", "--heavy-stub=torch", heard.append), "torch.ones()")
    refusal = record.refusal("bool()")
    assert heard == [refusal]
    assert "torch.ones()" in str(refusal)


def test_copies_begin_with_no_calls(record: Record) -> None:
    """They belong to the same stand-in."""
    record.call(((), {}), make)
    copy = pickle.loads(pickle.dumps(record))
    assert copy.recorded("call_count", make) == 0
    assert (copy.origin, copy.shown, copy.setting) == (record.origin, record.shown, record.setting)
    assert copy.origin != Origin("torch", "another")


@pytest.mark.parametrize(
    ("name", "answer"), [("__len__", True), ("_mock_methods", True), ("pytestmark", True), ("_x", False), ("x", False)]
)
def test_what_tools_ask_for(name: str, *, answer: bool) -> None:
    """Of whatever they meet."""
    assert is_probe(name) is answer


@pytest.mark.parametrize(
    ("name", "meant"),
    [("asert_called", "assert_called"), ("assert_caled_with", "assert_called_with"), ("called_onec", "")],
)
def test_a_misspelt_assertion(name: str, meant: str) -> None:
    """It is told which was meant; a name that is like none may be anything."""
    if not meant:
        refuse_misspelt(name)
        return
    with pytest.raises(AttributeError, match=f"Did you mean {meant!r}"):
        refuse_misspelt(name)
