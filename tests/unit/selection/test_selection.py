"""Which tests are heavy, in which order they run, and who runs them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports import fixtures
from pytest_heavyimports.config.declarations import parse_line
from pytest_heavyimports.errors import HeavyImportWarning
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


def light(name: str, **definitions: Any) -> Any:
    """Another one."""
    return Item(name, **definitions)


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


def groups(items: list[Any]) -> list[str | None]:
    """Those of pytest-xdist."""
    return [next((str(each.args[0]) for each in item.iter_markers("xdist_group")), None) for item in items]


def test_heavy_tests_are_grouped_for_workers() -> None:
    """In stretches; light ones are in no group."""
    items = [heavy("a"), light("b"), heavy("c"), heavy("d"), heavy("e")]
    selection.group_for_workers(items, 2)
    assert groups(items) == ["heavy0", None, "heavy0", "heavy1", "heavy1"]


def test_a_group_of_the_authors_counts_as_one() -> None:
    """And there is at least one more."""
    items = [heavy("a", pytest.mark.xdist_group("mine")), heavy("b"), heavy("c")]
    selection.group_for_workers(items, 2)
    assert groups(items) == ["mine", "heavy0", "heavy0"]
    items = [heavy("a", pytest.mark.xdist_group("mine")), heavy("b")]
    selection.group_for_workers(items, 1)
    assert groups(items) == ["mine", "heavy0"]


@pytest.mark.parametrize(("given", "used"), [("load", "loadgroup"), ("loadgroup", "loadgroup"), ("no", "no")])
def test_the_scheduler_by_groups_is_used(given: str, used: str) -> None:
    """In place of the usual one."""
    config: Any = SimpleNamespace(option=SimpleNamespace(dist=given))
    selection.schedule_groups(config)
    assert config.option.dist == used


def test_a_worker_makes_groups() -> None:
    """It goes by its arguments."""
    config: Any = SimpleNamespace(option=SimpleNamespace(dist="no"), workerinput={})
    selection.schedule_groups(config)
    assert config.option.loadgroup is True


def test_another_scheduler_is_refused() -> None:
    """It would send heavy tests to each worker."""
    config: Any = SimpleNamespace(option=SimpleNamespace(dist="worksteal"))
    with pytest.raises(pytest.UsageError) as refused:
        selection.schedule_groups(config)
    assert str(refused.value) == (
        "heavy_xdist_workers needs pytest-xdist's scheduler 'loadgroup', and --dist=worksteal was given. Leave --dist "
        "away, or set heavy_xdist_workers = 0."
    )


def test_groups_that_xdist_has_not_made_are_warned_of() -> None:
    """They are in the names of the tests where it has."""
    group = pytest.mark.xdist_group("mine")
    selection.warn_of_lost_groups([heavy("test_it@mine", group), light("other")])
    with pytest.warns(HeavyImportWarning, match=r"heavy_xdist_workers has no effect: .*issue 1386"):
        selection.warn_of_lost_groups([heavy("test_it", group)])
