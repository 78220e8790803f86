"""Records, and their way through other processes."""

from __future__ import annotations

import json
import pickle
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import RECORDS, Import, Leak, as_plain, from_plain

PLACE = Place("setup", "test_a.py::test_one", fixture="torch")

FIELDS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    tuple[str, ...]: st.lists(st.text()).map(tuple),
}
FIELDS[Place] = st.builds(Place, *[st.text()] * 4)
FIELDS |= {
    float | None: st.none() | st.floats(allow_nan=False),
    int | None: st.none() | st.integers(),
    Place | None: st.none() | FIELDS[Place],
}


def _examples(record: Any) -> st.SearchStrategy[Any]:
    """Any values in each field, of its type."""
    hints = get_type_hints(record)
    return st.builds(record, **{name: FIELDS[hints[name]] for name in record._fields})


@given(st.one_of(*map(_examples, RECORDS.values())))
def test_records_come_back_from_plain_values(record: Any) -> None:
    """Through JSON, as through pickle, a record of each type comes back equal, and of its type."""
    for copy in (from_plain(json.loads(json.dumps(as_plain(record)))), pickle.loads(pickle.dumps(record))):
        assert copy == record
        assert type(copy) is type(record)


def test_plain_values_have_the_names_of_the_fields() -> None:
    """Whoever reads them needs no list of the fields."""
    assert as_plain(Leak(("torch", "torch.nn"), PLACE, is_fake=False, is_tolerated=False)) == {
        "record": "Leak",
        "fullnames": ["torch", "torch.nn"],
        "owner": {"record": "Place", "phase": "setup", "nodeid": "test_a.py::test_one", "fixture": "torch", "line": ""},
        "is_fake": False,
        "is_tolerated": False,
        "remedy": "",
    }


def test_what_is_no_record_is_refused() -> None:
    """A dict that isn't one of ours has no type to come back as."""
    with pytest.raises(KeyError, match="Nothing"):
        from_plain({"record": "Nothing"})


def test_a_list_of_records_is_plain_too() -> None:
    """What goes to another process is a list of them."""
    events = (Import("torch", PLACE, 1.5), Import("numpy", PLACE))
    assert from_plain(as_plain(events)) == events
