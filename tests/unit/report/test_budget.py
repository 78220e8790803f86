"""Budgets."""

from __future__ import annotations

import pytest

from pytest_heavyimports.report.budget import figures_of, mistyped, overdraft_lines, overdrafts, read_budgets

from .trees import torch_report

HEAVY = ["torch", "numpy"]


def _told(*lines: str, last: dict[str, dict[str, int]] | None = None) -> list[str]:
    budgets, faults = read_budgets(lines, "pytest.ini, [pytest]")
    assert faults == []
    found = overdrafts(budgets, torch_report(), HEAVY, last or {})
    return [line for overdraft in found for line in overdraft_lines(overdraft)]


def test_an_overdrawn_budget_is_told_with_the_biggest_parts() -> None:
    """What it took, and what its parts took now and in the last run."""
    assert _told("torch < 1.5 s", last={"torch < 1.5 s": {"torch._C": 300_000}}) == [
        "over budget: torch < 1.5 s: it took 1.95 s (pytest.ini, [pytest], line 1 of heavy_budget)",
        "  torch itself             0.70 s",
        "  torch._C                 0.50 s  last time 0.30 s",
        "  torch.nn                 0.50 s",
        "  torch._dynamo itself     0.25 s",
    ]


@pytest.mark.parametrize("line", ["torch < 2 s", "torch < 1951 ms", "numpy<201 ms", "torch < 0.3 GiB", "pandas < 1 ms"])
def test_within_budget_nothing_is_told(line: str) -> None:
    """In whatever unit; a module that nobody imports costs nothing."""
    assert _told(line) == []


@pytest.mark.parametrize(
    "line", ["torch < 1949 ms", "torch.nn < 499 ms", "torch < 298 MiB", "total < 1.9 s", "total < 1 GiB"]
)
def test_the_limit_is_exact(line: str) -> None:
    """Just over it is over it."""
    assert bool(_told(line)) == (line != "total < 1 GiB")


def test_a_total_is_made_of_the_heavy_modules() -> None:
    """Each second once: numpy's is in torch's."""
    assert _told("total < 1 s")[1:] == ["  torch             1.70 s", "  torch._dynamo     0.25 s"]


def test_a_budget_of_memory_is_told_in_mebibytes() -> None:
    """With a sign, as growth."""
    assert _told("torch < 200 MiB")[0].startswith("over budget: torch < 200 MiB: it took +299 MiB (")


def test_the_next_run_is_given_the_figures_of_this_one() -> None:
    """By line of heavy_budget."""
    budgets, _ = read_budgets(["numpy < 1 s"], "")
    assert figures_of(budgets, torch_report(), HEAVY) == {"numpy < 1 s": {"numpy itself": 200_000}}


@pytest.mark.parametrize("line", ["torch", "torch > 3 s", "torch < s", "< 3 s", "to rch < 3 s", "torch < -1 s"])
def test_a_line_that_cannot_be_read_is_a_fault(line: str) -> None:
    """With its place, and how it is written."""
    budgets, faults = read_budgets(["numpy < 1 s", line], "pytest.ini, [pytest]")
    assert len(budgets) == 1
    where = "pytest.ini, [pytest], line 2 of heavy_budget"
    assert faults == [f"heavy_budget: {line!r} can't be read ({where}). Write it as 'torch < 3 s'."]


def test_an_unknown_unit_is_a_fault() -> None:
    """The units are told."""
    _, faults = read_budgets(["torch < 3 min"], "pytest.ini, [pytest]")
    where = "pytest.ini, [pytest], line 1 of heavy_budget"
    assert faults == [f"heavy_budget: 'torch < 3 min' can't be read: 'min' is none of ms, s, KiB, MiB, GiB ({where})."]


def test_a_declared_name_that_is_mistyped_is_told() -> None:
    """With the name that was meant."""
    budgets, _ = read_budgets(["numpy < 1 s", "toch < 3 s"], "pytest.ini, [pytest]")
    where = "pytest.ini, [pytest], line 2 of heavy_budget"
    told = f"heavy_budget: there is no module 'toch' ({where}). Did you mean 'torch'?"
    assert list(mistyped(budgets, HEAVY, HEAVY.__contains__)) == [told]


@pytest.mark.parametrize("name", ["total", "torch", "torch.nnn", "pandas", "torchs"])
def test_another_module_may_have_a_budget(name: str) -> None:
    """All together, a declared one and its parts, one that is there, and one that is called otherwise."""
    budgets, _ = read_budgets([f"{name} < 1 s"], "")
    assert list(mistyped(budgets, [*HEAVY, "totals"], [*HEAVY, "totals", "torchs"].__contains__)) == []


def test_nobody_is_corrected_where_the_declared_module_is_not_found_either() -> None:
    """Both may be found once the tests are collected."""
    budgets, _ = read_budgets(["toch < 3 s"], "")
    assert list(mistyped(budgets, HEAVY, lambda _: False)) == []
