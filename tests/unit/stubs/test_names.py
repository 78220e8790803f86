"""How names of a stand-in are told apart."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports.errors import StandInRefused
from pytest_heavyimports.stubs.calls import Origin, Record
from pytest_heavyimports.stubs.module import StandIn
from pytest_heavyimports.stubs.names import (
    REFUSED,
    Name,
    NameType,
    Unknown,
    Value,
    give_unknown,
    is_class_name,
    kind_is_plain,
    make_name,
    record_of,
)

STAND_IN = StandIn("torch", "--heavy-stub=torch")


@pytest.mark.parametrize(
    ("name", "answer"), [("Tensor", True), ("T", False), ("OK", False), ("load", False), ("", False)]
)
def test_names_of_classes(name: str, *, answer: bool) -> None:
    """By the way they are written."""
    assert is_class_name(name) is answer


@pytest.mark.parametrize(
    ("name", "kind", "base"),
    [
        ("Tensor", "", Value),
        ("load", "function", Value),
        ("OutOfMemoryError", "", Exception),
        ("OddWarning", "", Warning),
        ("OutOfMemory", "RuntimeError", RuntimeError),
        ("SomeError", "class", Value),
    ],
)
def test_what_is_known_of_a_name_decides(name: str, kind: str, base: type) -> None:
    """Or else how it is called."""
    made = make_name(STAND_IN.entry(f"torch.{name}"), kind)
    assert issubclass(made, Name)
    assert base in made.__mro__
    assert (made.__name__, made.__module__, repr(made)) == (name, "torch", f"<stand-in torch.{name}>")
    assert kind_is_plain("class")
    assert not kind_is_plain("RuntimeError")


@pytest.fixture
def value() -> Any:
    """What a call has given, of which nothing is known."""
    return give_unknown(Record(Origin("torch", "--heavy-stub=torch"), "torch.ones(...)"))


@pytest.mark.parametrize("method", [method for _, methods in REFUSED for method in methods.split()])
def test_nothing_is_computed(value: Any, method: str) -> None:
    """Each operation is refused by its name."""
    operation = next(shown for shown, methods in REFUSED if method in methods.split())
    with pytest.raises(StandInRefused) as refused:
        getattr(type(value), method)(value, 1)
    assert operation in str(refused.value)


def test_attributes_are_unknown_too(value: Any) -> None:
    """Always the same; what tools ask for is not there."""
    assert isinstance(value.shape, Unknown)
    assert value.shape is value.shape
    assert repr(value.shape) == "<torch.ones(...).shape of a stand-in>"
    assert not hasattr(value, "_private")
    assert not hasattr(value, "__len_hint__")
    with pytest.raises(AttributeError, match="Did you mean 'assert_called'"):
        value.asert_called  # noqa: B018


def test_a_class_of_the_users_has_its_own_methods() -> None:
    """And is shown as its own."""

    class Dataset(make_name(STAND_IN.entry("torch.Dataset"), "class")):  # type: ignore[misc]  # made here
        def __getitem__(self, index: int) -> int:
            if index > 2:
                raise IndexError
            return index

    made = Dataset()
    assert list(made) == [0, 1, 2]
    assert record_of(made).shown.endswith("Dataset(...)")
    assert type(Dataset) is NameType
    assert made != SimpleNamespace()
    with pytest.raises(StandInRefused, match="bool"):
        bool(made)
