"""Which tests are heavy, in which order they run, and who runs them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports import fixtures
from pytest_heavyimports.config.declarations import parse_line
from pytest_heavyimports.selection import selection

DECLARED = {"torch": parse_line("torch", "pytest.ini"), "answer": parse_line("answer = plain:answer", "pytest.ini")}


def _ours() -> None: ...


def _theirs() -> None: ...


_ours.__module__ = fixtures.__name__


class definition:  # noqa: N801  # called as a function
    """A fixture."""

    def __init__(self, *argnames: str, scope: str = "function", is_ours: bool = False) -> None:
        self.func = _ours if is_ours else _theirs
        self.argnames = argnames
        self.scope = scope


class Item:
    """A test."""

    def __init__(self, name: str, *marks: pytest.MarkDecorator, **definitions: Any) -> None:
        """With the fixtures that it asks for: one, or all of that name, the outermost first."""
        self.nodeid = name
        self.marks = [each.mark for each in marks]
        self.fixturenames = list(definitions)
        lists = {key: value if isinstance(value, tuple) else (value,) for key, value in definitions.items()}
        self._fixtureinfo = SimpleNamespace(name2fixturedefs=lists)
        self.callspec = SimpleNamespace(indices={})

    def add_marker(self, marker: pytest.MarkDecorator) -> None:
        self.marks.append(marker.mark)

    def iter_markers(self, name: str) -> list[pytest.Mark]:
        return [each for each in self.marks if each.name == name]

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return next(iter(self.iter_markers(name)), None)

    def listchain(self) -> list[object]:
        return [self]


def heavy(name: str, *marks: pytest.MarkDecorator, **definitions: Any) -> Any:
    """A heavy test."""
    return Item(name, pytest.mark.heavy, *marks, **definitions)


def light(name: str, *marks: pytest.MarkDecorator, **definitions: Any) -> Any:
    """Another one."""
    return Item(name, *marks, **definitions)


def test_who_asks_for_a_heavy_module_is_marked() -> None:
    """With its name; an object of a module is one of it."""
    both = light("both", torch=definition(is_ours=True), answer=definition(is_ours=True))
    by_function = light("by function", heavy_module=definition(is_ours=True))
    other = light("other", tmp_path=definition())
    selection.mark_heavy([both, by_function, other], DECLARED)
    assert [[each.args for each in item.marks] for item in (both, by_function, other)] == [
        [("torch", "plain")],
        [()],
        [],
    ]


def test_a_device_is_asked_for_by_fixture_too() -> None:
    """The test has both marks."""
    item = light("it", cuda_device=definition(is_ours=True))
    selection.mark_heavy([item], DECLARED)
    assert sorted(each.name for each in item.marks) == ["cuda", "heavy"]


def test_a_fixture_that_was_replaced_is_none_of_ours() -> None:
    """Unless the one in its place asks for ours."""
    replaced = light("a", torch=(definition(is_ours=True), definition()))
    wrapped = light("b", torch=(definition(is_ours=True), definition("torch")))
    selection.mark_heavy([replaced, wrapped], DECLARED)
    assert [selection.is_heavy(item) for item in (replaced, wrapped)] == [False, True]


def names(items: list[Any]) -> str:
    """Their order."""
    return " ".join(item.nodeid for item in items)


def test_heavy_tests_go_last() -> None:
    """In their order, as the others."""
    items = [heavy("h1"), light("l1"), heavy("h2"), light("l2")]
    selection.light_first(items)
    assert names(items) == "l1 l2 h1 h2"


def test_who_shares_a_setup_stays_together() -> None:
    """Through whatever chain of tests; what is set up for each test, or once in a session, is nothing to share."""
    server, data = definition(scope="module"), definition(scope="package")
    each, session = definition(), definition(scope="session")
    items = [
        heavy("h", server=server, each=each, session=session),
        light("l1", each=each, session=session),
        light("shares", server=server, data=data),
        light("l2"),
        light("shares-too", data=data),
    ]
    selection.light_first(items)
    assert names(items) == "l1 l2 h shares shares-too"


def test_parameters_of_a_session_are_shared() -> None:
    """Each by itself."""
    database = definition(scope="session")
    items = [heavy("h", db=database), light("other", db=database), light("same", db=database)]
    for item, index in zip(items, (0, 1, 0)):
        item.callspec = SimpleNamespace(indices={"db": index})
    selection.light_first(items)
    assert names(items) == "other h same"


def test_heavy_tests_are_grouped_for_workers() -> None:
    """In stretches; light ones are in no group."""
    items = [heavy("a"), light("b"), heavy("c"), heavy("d"), heavy("e")]
    expected = {"a": "heavy 0", "c": "heavy 0", "d": "heavy 1", "e": "heavy 1"}
    assert selection.groups_for_workers(items, 2) == expected


def test_a_group_of_the_authors_counts_as_one() -> None:
    """With all that is in it; and there is at least one more. Several marks are one group, as in pytest-xdist."""
    mine, more = pytest.mark.xdist_group("mine"), pytest.mark.xdist_group(name="more")
    items = [heavy("a", mine), heavy("b"), heavy("c"), light("d", mine), light("e", more, mine)]
    of_author = {"a": "xdist_group mine", "d": "xdist_group mine", "e": "xdist_group mine_more"}
    for workers in (1, 2):
        assert selection.groups_for_workers(items, workers) == of_author | {"b": "heavy 0", "c": "heavy 0"}
    assert selection.groups_for_workers(items, 3) == of_author | {"b": "heavy 0", "c": "heavy 1"}


@pytest.mark.parametrize("scheduler", ["no", "load", "loadgroup"])
def test_a_scheduler_that_ours_stands_in_for(scheduler: str) -> None:
    """It is what pytest-xdist uses by itself, or one by groups."""
    config: Any = SimpleNamespace(option=SimpleNamespace(dist=scheduler))
    selection.check_scheduler(config)


def test_another_scheduler_is_refused() -> None:
    """It would send heavy tests to each worker."""
    config: Any = SimpleNamespace(option=SimpleNamespace(dist="worksteal"))
    with pytest.raises(pytest.UsageError) as refused:
        selection.check_scheduler(config)
    assert str(refused.value) == (
        "heavy_xdist_workers distributes the tests by a scheduler of its own, and --dist=worksteal was given. Leave "
        "--dist away, or set heavy_xdist_workers = 0."
    )


def test_stand_ins_stay_in_one_thread() -> None:
    """By the mark and by the fixture."""
    items = [light("a", pytest.mark.heavy_stub("torch")), light("b", heavy_stub=definition()), light("c")]
    selection.mark_thread_unsafe(items)
    assert [bool(item.iter_markers("thread_unsafe")) for item in items] == [True, True, False]
