"""Threads of workers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_heavyimports.selection import threads
from pytest_heavyimports.selection.threads import VARIABLES, processors, share, variables


def test_every_variable_is_set_where_none_is() -> None:
    """To the number of threads."""
    assert variables(3, {}) == dict.fromkeys(VARIABLES, "3")


@pytest.mark.parametrize(
    ("environment", "left"),
    [
        ({"RAYON_NUM_THREADS": "4"}, {"RAYON_NUM_THREADS"}),
        ({"MKL_NUM_THREADS": "4"}, {"MKL_NUM_THREADS"}),
        ({"GOTO_NUM_THREADS": "4"}, {"OPENBLAS_NUM_THREADS"}),
        (
            {"OMP_NUM_THREADS": "4"},
            {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS"},
        ),
    ],
)
def test_what_somebody_has_set_stays(environment: dict[str, str], left: set[str]) -> None:
    """And so does what is read where another one is not set: MKL's number would go before that of OpenMP."""
    assert set(VARIABLES) - set(variables(1, environment)) == left


@pytest.mark.parametrize(("limit", "expected"), [("2", "2"), ("9", "4"), ("many", "4")])
def test_numexpr_has_no_more_threads_than_its_limit(limit: str, expected: str) -> None:
    """It can't be imported otherwise."""
    assert variables(4, {"NUMEXPR_MAX_THREADS": limit})["NUMEXPR_NUM_THREADS"] == expected


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Eight processors by affinity, and a control group ``/a/b`` without a quota."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)
    monkeypatch.setattr(threads, "CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(threads, "OWN_CGROUP", tmp_path / "own")
    (tmp_path / "own").write_text("1:name=x:/other\n0::/a/b\n", encoding="utf-8")
    (tmp_path / "groups/a/b").mkdir(parents=True)
    (tmp_path / "groups/a/b/cpu.max").write_text("max 100000\n", encoding="utf-8")
    return tmp_path / "groups"


@pytest.mark.parametrize(("workers", "expected"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_auto_is_the_share_of_the_processors(machine: Path, workers: int, expected: int) -> None:
    """At least one."""
    assert share("auto", workers) == expected
    assert share("5", workers) == 5


@pytest.mark.parametrize(("quota", "expected"), [("200000 100000", 2), ("50000 100000", 1), ("9900000 100000", 8)])
@pytest.mark.parametrize("group", ["", "a", "a/b"])
def test_a_quota_of_any_group_around_counts(machine: Path, group: str, quota: str, expected: int) -> None:
    """As a container has it, whose files say that there are many processors."""
    (machine / group / "cpu.max").write_text(f"{quota}\n", encoding="utf-8")
    assert processors() == expected


def test_a_system_without_groups_and_affinity(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All processors."""
    (machine.parent / "own").unlink()
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.delattr(os, "process_cpu_count")
    assert processors() == 64
