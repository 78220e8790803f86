"""What the comparison makes of the outputs of other tools."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.peers.runs import faults, outcomes, quoted
from benchmarks.peers.suites import TRAPS, Step
from benchmarks.peers.table import page
from benchmarks.peers.tools import TOOLS
from benchmarks.processes import Ended

SUMMARY = """\
=========================== short test summary info ============================
PASSED tests/test_a.py::test_one
PASSED tests/test_a.py::test_each[1]
FAILED tests/test_a.py::test_each[2] - assert 2 == 1
PASSED tests/test_a.py::test_each[3]
ERROR tests/test_b.py
1 failed, 3 passed, 1 error in 0.10s
"""
BOTH = {"test_one": "passed", "test_each": "failed"}


def test_the_worst_outcome_of_a_function_counts() -> None:
    """A file that can't be collected is no function."""
    assert outcomes(SUMMARY) == BOTH


@pytest.mark.parametrize(
    ("step", "status", "output", "told"),
    [
        (Step(BOTH), 1, SUMMARY, ""),
        (Step({"test_one": "passed"}, is_whole=False), 1, SUMMARY, ""),
        (Step({"test_one": "passed"}), 1, SUMMARY, "`test_each` failed, and nobody asked for it"),
        (Step({**BOTH, "test_new": "passed"}), 1, SUMMARY, "`test_new` no result, not passed"),
        (Step(BOTH), None, "", "hangs, ended after 60 s"),
        (Step(BOTH), -11, "Fatal Python error", "SIGSEGV ends the run, without a result of any test"),
        (Step(BOTH), 4, "ERROR: usage", "status 4, without a result of any test"),
        (Step({f"test_{number}": "passed" for number in range(4)}, is_whole=False), 1, SUMMARY, "4 no result"),
    ],
)
def test_what_is_wrong_with_a_run(step: Step, status: int | None, output: str, told: str) -> None:
    """Tests that are missing, too many, or have another outcome; a run that died or hung."""
    assert faults(step, Ended(status, 60.0, 0, output)) == told


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("\nE   RuntimeError: a | b `c`\nE   more\n== 1 failed ==\n", "RuntimeError: a \\| b 'c'"),
        (".ERROR: --fast: not run\n1 passed", "ERROR: --fast: not run"),
        ("INTERNALERROR> E   ValueError: x", "ValueError: x"),
        ("== 2 passed in 1 s ==\n\n", "2 passed in 1 s"),
        ("1 passed in 1 s\n127.0.0.1 - POST\n", "1 passed in 1 s"),
        ("starting\n", "starting"),
        ("", ""),
    ],
)
def test_the_line_that_says_most(output: str, line: str) -> None:
    """An error before the last line, as it can stand in a table."""
    assert quoted(output) == line


def test_what_a_test_died_of_comes_first() -> None:
    """Another test's error, which stands above it, is not the point."""
    assert quoted("E   of another\n" + SUMMARY, ["test_each"]) == "assert 2 == 1"


def test_the_page() -> None:
    """Right, wrong and not run; a tool that can't be installed; nothing of tools that nobody has run."""
    plain, other, *_ = TOOLS
    cost = {"first": [3.0], "later": [2.0, 1.0, 9.0], "peak_bytes": 2**28, "failed": ""}
    results: dict[str, dict[str, Any]] = {
        plain.name: {
            "machine": "CPython",
            "date": "2026-11-26",
            "versions": ["9.2.0", "9.2.0"],
            "costs": {"imports at the top": cost, "imports inside tests": {**cost, "failed": "2 failed: `x`"}},
            "traps": {
                TRAPS[0].name: {"faults": "", "quoted": ""},
                TRAPS[1].name: {"faults": "hangs", "quoted": ""},
            },
        },
        other.name: {"machine": "CPython", "date": "2026-11-26", "failed": "ERROR: No matching distribution"},
    }
    lines = page(results).splitlines()
    figures = "2.00 (1.00 to 9.00); the first 3.00 (3.00 to 3.00) | 256 MiB"
    dashes = " | ".join(["—"] * (len(TRAPS) - 2))
    failed = "not installed: `ERROR: No matching distribution` | —"
    assert f"| pytest | {figures} | **wrong:** 2 failed: `x` | — | {plain.purpose} |" in lines
    assert f"| pytest-xdist | {failed} | {failed} | {other.purpose} |" in lines
    assert f"| pytest | right | **wrong** | {dashes} |" in lines
    assert f"- pytest, {TRAPS[1].name}: hangs" in lines
    assert "| pytest | 9.2.0 | 9.2.0 | `python -m pytest` | 2026-11-26 |" in lines
    assert not [line for line in lines if TOOLS[2].name in line]


def test_each_trap_is_the_business_of_a_tool() -> None:
    """And no tool has one that doesn't exist."""
    assert {name for tool in TOOLS for name in tool.traps} == {trap.name for trap in TRAPS}
