"""The sums."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import Forgotten, Import, Load
from pytest_heavyimports.report.account import Account
from pytest_heavyimports.report.formats import importtime, speedscope
from pytest_heavyimports.report.json_file import document
from pytest_heavyimports.report.model import cost_of, heavy_us, make_report, make_tree, outermost, together_us

from .trees import TORCH, load, loads, torch_report


def _spent(profile: dict[str, list[dict[str, object]]], frames: list[dict[str, str]]) -> list[tuple[str, int, int]]:
    """Name, self and cumulative of each call in a profile of speedscope, as that program reckons them, at its end."""
    stack: list[list[int]] = []
    spent = []
    latest = 0
    for event in profile["events"]:
        at, frame = int(str(event["at"])), int(str(event["frame"]))
        assert at >= latest
        latest = at
        if event["type"] == "O":
            stack.append([frame, at, 0])
        else:
            opened, begin, inner = stack.pop()
            assert opened == frame
            spent.append((frames[frame]["name"], at - begin - inner, at - begin))
            if stack:
                stack[-1][2] += at - begin
    assert not stack
    return spent


@settings(max_examples=30, deadline=None)
@given(st.lists(loads(), min_size=1, max_size=3))
def test_all_figures_agree_and_add_up(processes: list[list[Load]]) -> None:
    """Self times add up to the total, in whatever tree; JSON, speedscope and importtime have the same figures."""
    accounts = [Account(f"gw{number}", loads=each) for number, each in enumerate(processes)]
    report = make_report(accounts, ["torch"], lambda _: "")
    facts = json.loads(json.dumps(document(report, made_by="us")))
    total = sum(each.end_us - each.begin_us for loads in processes for each in loads if each.importer < 0)
    nodes = [node for process in facts["processes"] for node in process["tree"]]
    assert sum(node["self_us"] for node in nodes) == total
    assert all(node["self_us"] >= 0 for node in nodes)
    for tree in (facts["tree"], facts["packages"]):
        assert sum(node["self_us"] for node in tree) == total
    assert sum(node["cumulative_us"] for node in facts["tree"] if node["importer"] < 0) == total

    figures = sorted((node["fullname"], node["self_us"], node["cumulative_us"]) for node in nodes)
    lines = [line.removeprefix("import time:").split("|") for line in importtime(report.trees).splitlines()]
    rows = [(name.strip(), int(own), int(whole)) for own, whole, name in lines if "self [us]" not in own]
    assert sorted(rows) == figures

    profiles = json.loads(speedscope(report.trees, exporter="us"))
    frames = profiles["shared"]["frames"]
    assert sorted(call for profile in profiles["profiles"] for call in _spent(profile, frames)) == figures


def test_memory_adds_up() -> None:
    """What a module grew by itself is what it grew with everything less what its imports grew."""
    tree = make_tree(TORCH)
    assert [node.rss_self_bytes for node in tree if node.rss_self_bytes is not None][:2] == [11 * 2**20, 180 * 2**20]
    outer = [node for node in tree if node.load.importer < 0]
    assert sum(node.rss_self_bytes or 0 for node in tree) == sum(node.rss_bytes or 0 for node in outer)


def test_memory_is_unknown_where_the_system_does_not_tell() -> None:
    """No figure is made up."""
    [node] = make_tree([load("torch", -1, 0, 10)])
    assert (node.rss_bytes, node.rss_self_bytes, node.traced_bytes) == (None, None, None)


def test_a_heavy_module_has_its_parts_and_its_chain() -> None:
    """torch costs what its own load and its later parts did; numpy came with it; each is told with who led to it."""
    torch, numpy = torch_report().modules
    assert (torch.fullname, torch.version, torch.cumulative_us, torch.chain) == ("torch", "2.13.0", 1_950_000, ("app",))
    assert (torch.rss_bytes, torch.within, torch.numbers) == (299 * 2**20, "", (1, 5))
    assert torch.share == 1.95 / 8
    assert str(torch.first) == "test_a.py::test_one (setup of fixture 'torch')"
    assert (numpy.fullname, numpy.within, numpy.chain) == ("numpy", "torch", ("app", "torch", "torch._C"))


def test_each_second_of_heavy_modules_is_counted_once() -> None:
    """numpy's time is in torch's."""
    assert torch_report().heavy_us == 1_950_000
    assert heavy_us(make_tree(TORCH), ["numpy"]) == 200_000
    assert cost_of(make_tree(TORCH), "torch.nn")[0] == 500_000


def test_outermost_loads_are_no_part_of_another() -> None:
    """A load below one that is wanted is left out, at whatever depth."""
    tree = make_tree([load("a", -1, 0, 9), load("b", 0, 1, 8), load("a.c", 1, 2, 7), load("a", -1, 10, 11)])
    assert outermost(tree, {"a", "a.c"}.__contains__) == [0, 3]


def test_of_several_processes_the_slowest_is_told() -> None:
    """All that imported it are named."""
    accounts = [Account("gw0", loads=[load("torch", -1, 0, 5)]), Account("gw1", loads=[load("torch", -1, 0, 9)])]
    report = make_report(accounts, ["torch"], lambda _: "")
    [torch] = report.modules
    assert (torch.cumulative_us, torch.process, torch.processes) == (9, "gw1", ("gw0", "gw1"))
    [merged] = report.merged
    assert (merged.loads, merged.cumulative_us) == (2, 14)


def test_without_measuring_the_events_are_told() -> None:
    """A module that only the ledger knows has the event's figures, and those that nobody measured none."""
    place = Place("collect", "test_a.py")
    events = [(100, Import("torch", place, 1.5, 2**20)), (200, Import("numpy", place))]
    account = Account(duration_us=6_000_000, collection_us=5_000_000, events=events)
    report = make_report([account], [], lambda _: "")
    assert [(module.fullname, module.cumulative_us, module.share) for module in report.modules] == [
        ("torch", 1_500_000, 0.25),
        ("numpy", None, None),
    ]
    assert (report.collection_us, report.collection_heavy_us) == (5_000_000, 1_500_000)


def test_what_is_recorded_inside_another_import_is_counted_once() -> None:
    """An event tells when an import ended: what began later and ended earlier was a part of it."""
    place = Place("collect", "test_a.py")
    inner, outer = (2_900_000, Import("torch", place, 1.9)), (3_000_000, Import("app", place, 2.1))
    beside = (4_500_000, Import("numpy", place, 0.5))
    account = Account(duration_us=6_000_000, collection_us=5_000_000, events=[inner, outer, beside])
    report = make_report([account], [], lambda _: "")
    assert report.heavy_us == report.collection_heavy_us == 2_600_000
    assert [module.cumulative_us for module in report.modules] == [1_900_000, 2_100_000, 500_000]
    assert together_us(report, report.modules[:2]) == 2_100_000
    assert together_us(report, []) == 0


@pytest.mark.parametrize(("outer_s", "told_us"), [(2.0, 2_000_000), (1.0, 2_200_000)])
def test_an_import_that_was_recorded_late_contains_what_it_brought_in(outer_s: float, told_us: int) -> None:
    """It is told alone, without what passed until it was recorded; a shorter one can't have brought the other in."""
    place = Place("collect", "test_a.py")
    events = [(2_900_000, Import("torch", place, 1.9)), (3_200_000, Import("app", place, outer_s))]
    report = make_report([Account(events=events)], [], lambda _: "")
    assert report.heavy_us == together_us(report, report.modules) == told_us


def test_modules_of_several_processes_are_added_up() -> None:
    """At the same time in two processes is twice."""
    trees = {"gw0": [load("torch", -1, 0, 5)], "gw1": [load("numpy", -1, 0, 9)]}
    accounts = [Account(name, loads=loads) for name, loads in trees.items()]
    report = make_report(accounts, ["torch", "numpy"], lambda _: "")
    assert together_us(report, report.modules) == 14


def test_an_import_that_is_forgotten_is_not_the_first() -> None:
    """Neither as it was measured, nor as it was recorded; one that came after it is, and without one there is none."""
    under_stand_in, real = Place("call", "test_a.py::test_one"), Place("call", "test_a.py::test_two")
    tree = [load("app", -1, 10, 20, place=under_stand_in), load("app", -1, 40, 60, place=real)]
    forgotten = (30, Forgotten(("app", "gone", "torch")))
    events = [(20, Import("torch", under_stand_in)), (25, Import("gone", under_stand_in)), forgotten]
    account = Account(events=[*events, (70, Import("torch", real))], loads=tree)
    report = make_report([account], ["app"], lambda _: "")
    assert [(module.fullname, module.first) for module in report.modules] == [("app", real), ("torch", real)]
    assert report.modules[0].cumulative_us == 20


def test_what_collection_spent_on_heavy_modules() -> None:
    """Imports before and after it don't count."""
    report = torch_report(collection_begin_us=900_000, collection_us=2_500_000)
    assert report.collection_heavy_us == 1_700_000
