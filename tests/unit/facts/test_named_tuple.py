"""Our named tuples are those of the standard library, in all that is done with them."""

from __future__ import annotations

import copy
import pickle
import typing
from typing import Any

import pytest

from pytest_heavyimports.facts.named_tuple import NamedTuple


class Standard(typing.NamedTuple):
    first: int
    second: str
    third: tuple[int, ...] = ()
    fourth: str | None = None


class Ours(NamedTuple):
    first: int
    second: str
    third: tuple[int, ...] = ()
    fourth: str | None = None

    @property
    def both(self) -> str:
        return f"{self.first}{self.second}"


GIVEN: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1, "two"), {}),
    ((1, "two", (3,), "four"), {}),
    ((1,), {"second": "two"}),
    ((), {"second": "two", "first": 1}),
    ((1, "two"), {"fourth": "4"}),
]
FAULTY: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((1,), {}),
    ((), {"second": "two"}),
    ((1, "two", (), None, 5), {}),
    ((1, "two"), {"first": 1}),
    ((1, "two"), {"fifth": 5}),
]


@pytest.mark.parametrize(("values", "named"), GIVEN)
def test_what_is_made(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    standard, ours = Standard(*values, **named), Ours(*values, **named)
    assert ours == standard
    assert hash(ours) == hash(standard)
    assert repr(ours) == repr(standard).replace("Standard", "Ours")
    assert ours._asdict() == standard._asdict()
    assert [ours.first, ours.second, ours.third, ours.fourth] == [*standard]
    assert ours.both == "1two"


@pytest.mark.parametrize(("values", "named"), FAULTY)
@pytest.mark.parametrize("kind", [Standard, Ours])
def test_what_can_not_be_made(kind: Any, values: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        kind(*values, **named)


def test_a_changed_one_is_another() -> None:
    ours = Ours(1, "two")
    assert ours._replace(second="2", fourth="4") == Standard(1, "2", (), "4")
    assert type(ours._replace()) is Ours
    assert ours.second == "two"
    with pytest.raises(AttributeError):
        ours.second = "2"  # type: ignore[misc]
    with pytest.raises(TypeError, match="fifth"):
        ours._replace(fifth=5)  # type: ignore[call-arg]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_travels(protocol: int) -> None:
    ours = Ours(1, "two", (3,))
    for again in (pickle.loads(pickle.dumps(ours, protocol)), copy.copy(ours), copy.deepcopy(ours)):
        assert again == ours
        assert type(again) is Ours
