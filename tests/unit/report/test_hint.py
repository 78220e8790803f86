"""The hint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_heavyimports.facts.records import Forgotten, Import
from pytest_heavyimports.report.account import Account
from pytest_heavyimports.report.hint import RunAsked, make_hint
from pytest_heavyimports.report.model import make_report

from .trees import SETUP, load, torch_report

if TYPE_CHECKING:
    from pytest_heavyimports.facts.ledger import Event

ASKED = RunAsked(tests=17, heavy=frozenset({SETUP.nodeid, *map(str, range(4))}), is_selecting=False, has_warm=True)


def _workers(*ends_us: int) -> Any:
    accounts = [Account(f"gw{n}", loads=[load("torch", -1, 0, end)]) for n, end in enumerate(ends_us)]
    return make_report(accounts, ["torch"], lambda _: "")


def test_light_tests_beside_heavy_ones() -> None:
    """What the mark would have skipped, and for how many tests."""
    told = "-m 'not heavy' would have skipped torch, 1.95 s: 12 of 17 tests don't need it"
    assert make_hint(torch_report(), ASKED) == told


def test_an_import_inside_another_one_is_told_once() -> None:
    """As it was recorded, without a tree; and where a part of one module comes later, inside another."""
    events: list[tuple[int, Event]] = [(2_900_000, Import("torch", SETUP, 1.9)), (3_000_000, Import("app", SETUP, 2.1))]
    events += [(3_000_001, Import("numpy", SETUP)), (5_000_000, Import("jax", SETUP, 1.0))]
    recorded = make_report([Account(events=events)], [], lambda _: "")
    assert "skipped torch, app, numpy, jax, 3.10 s: " in make_hint(recorded, ASKED)

    tree = [load("torch", -1, 0, 1_000_000, place=SETUP), load("app", -1, 2_000_000, 4_000_000, place=SETUP)]
    tree.append(load("torch.nn", 1, 2_500_000, 3_500_000))
    measured = make_report([Account(loads=tree)], ["torch", "app"], lambda _: "")
    assert "skipped torch, app, 3.00 s: " in make_hint(measured, ASKED)


def test_an_import_under_a_stand_in_saves_nothing() -> None:
    """What is told of is the import that came after it."""
    events = [(3_000_000, Import("torch", SETUP, 3.0)), (4_000_000, Forgotten(("torch",)))]
    report = make_report([Account(events=[*events, (6_000_000, Import("torch", SETUP, 1.0))])], [], lambda _: "")
    assert "skipped torch, 1.00 s: " in make_hint(report, ASKED)


def test_no_hint_where_it_would_not_have_helped() -> None:
    """All tests are heavy; or -m was given; or somebody else imported it; or nobody knows the tests."""
    for asked in (
        ASKED._replace(tests=5),
        ASKED._replace(is_selecting=True),
        ASKED._replace(heavy=frozenset({"test_b.py::test_other"})),
        ASKED._replace(tests=0),
    ):
        assert make_hint(torch_report(), asked) == ""


def test_the_same_import_in_several_workers() -> None:
    """All but the longest would have been saved, where there is that option and it was not given."""
    told = "--heavy-warm would have saved 4.00 s: torch was imported in 3 processes"
    assert make_hint(_workers(2_000_000, 3_000_000, 2_000_000), ASKED) == told
    assert make_hint(_workers(2_000_000, 3_000_000), ASKED._replace(has_warm=False)) == ""


def test_what_saves_little_is_no_hint() -> None:
    """Half a second is not worth a line."""
    assert make_hint(_workers(499_999, 600_000), ASKED) == ""
    assert make_hint(_workers(500_000, 600_000), ASKED) != ""
