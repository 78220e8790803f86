"""Values of reports, as they are sent."""

from __future__ import annotations

import collections
import enum
import marshal
import types
import warnings
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_heavyimports.isolation.reports import pack_warning, plain, unpack_warning


class Color(str, enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Point(NamedTuple):
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Color.RED, "red"),
        (Number.ONE, 1),
        (Point(1, 2), (1, 2)),
        (types.MappingProxyType({"a": [1]}), {"a": [1]}),
        (Path("a/b"), "a/b"),
        (frozenset({1}), {1}),
        (collections.OrderedDict(a=collections.Counter("x")), {"a": {"x": 1}}),
    ],
)
def test_relatives_of_plain_values_become_plain(value: object, sent: object) -> None:
    """Nothing is said of it."""
    lost: list[str] = []
    found = plain(value, "name", lost)
    assert (found, type(found), lost) == (sent, type(sent), [])


def test_others_become_their_repr() -> None:
    """And it is told which."""
    lost: list[str] = []
    assert plain({"a": [1, print]}, "extra", lost) == {"a": [1, repr(print)]}
    assert lost == [f"extra['a']: {print!r}"]


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.just(object()),
    lambda some: (
        st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=8), some, max_size=3) | st.tuples(some, some)
    ),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(ANYTHING)
def test_whatever_comes_can_be_sent(value: object) -> None:
    """What is plain already stays as it is."""
    lost: list[str] = []
    sent = marshal.loads(marshal.dumps(plain(value, "name", lost)))
    assert sent == value or lost


class OwnWarning(UserWarning):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(one, two)


@pytest.mark.parametrize(
    ("message", "category", "told"),
    [
        (DeprecationWarning("old"), DeprecationWarning, "old"),
        (OwnWarning("a", "b"), UserWarning, "OwnWarning: ('a', 'b')"),
    ],
)
def test_warnings(message: Warning, category: type[Warning], told: str) -> None:
    """Text, category and place; a category that can't be made of a text is named in it."""
    warning = warnings.WarningMessage(message, type(message), "file.py", 3)
    found = unpack_warning(*pack_warning(warning))
    assert (str(found.message), found.category, found.filename, found.lineno) == (told, category, "file.py", 3)


def test_a_warning_of_a_module_that_only_the_child_has() -> None:
    """It is a plain one here."""
    found = unpack_warning("text", "nobody.has.it", "OddWarning", "file.py", 3)
    assert (str(found.message), found.category) == ("OddWarning: text", UserWarning)
