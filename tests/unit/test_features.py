"""The tables that lead from settings and marks to the features."""

from __future__ import annotations

import inspect
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from pytest_heavyimports import features
from pytest_heavyimports.config.options import MARKS, Settings, read_settings

from ..support.configs import Config

ROWS = [*features.EARLY, *features.OF_SESSION, *features.OF_RUN]
REFERENCES = [*(reference for _, reference in ROWS), *features.OF_MARKS.values()]


def settings(directory: Path, flags: dict[str, Any] | None = None, **ini: Any) -> Settings:
    """Those of a pytest.ini, and flags."""
    return read_settings(Config(directory, **ini), Namespace(**(flags or {})))[0]  # type: ignore[arg-type]  # a fake


def _asked_for(asked: Settings) -> list[str]:
    """What is attached; but for what keeps test files lazy, which every run has where Python has lazy imports."""
    references = [reference for is_asked_for, reference in ROWS if is_asked_for(asked)]
    if sys.version_info >= (3, 15):
        references.remove("defer.lazy_hooks:keep_lazy")
    return references


@pytest.mark.parametrize("is_running", [False, True])
@pytest.mark.parametrize("reference", dict.fromkeys(REFERENCES))
def test_each_row_leads_to_a_function(reference: str, *, is_running: bool) -> None:
    """Of one argument; while it is loaded there is one finder more, and only before tests run."""
    finders = list(sys.meta_path)
    function = features.load(reference, is_running=is_running)
    assert len(inspect.signature(function).parameters) == 1
    assert sys.meta_path == finders


def test_nothing_is_asked_for_by_default(tmp_path: Path) -> None:
    """But the report of a session, where there is one."""
    asked = settings(tmp_path)
    assert _asked_for(asked) == ["report.hooks:attach"]


@pytest.mark.parametrize(
    ("flags", "ini", "references"),
    [
        ({}, {"heavy_guard": "restore"}, ["session:begin_early", "report.hooks:attach", "guard.hooks:attach"]),
        ({"heavy_defer": True}, {}, ["session:begin_early", "report.hooks:attach", "defer.hooks:attach"]),
        ({"heavy_stub": ["torch"]}, {}, ["session:begin_early", "report.hooks:attach", "stubs.hooks:attach"]),
        ({"heavy_isolate": True}, {}, ["report.hooks:attach", "isolation.hooks:attach"]),
        ({}, {"heavy_cuda_workers": "2"}, ["cuda.hooks:attach_early", "report.hooks:attach"]),
        ({}, {"heavy_xdist_workers": "1"}, ["report.hooks:attach", "selection.hooks:attach_workers"]),
        (
            {},
            {"heavy_xdist_threads": "auto"},
            ["selection.hooks:set_threads_early", "report.hooks:attach", "selection.hooks:set_threads"],
        ),
        ({"heavy_order": "light-first"}, {}, ["report.hooks:attach", "selection.hooks:attach_order"]),
        ({"heavy_runpytest": "fork"}, {}, ["report.hooks:attach", "pytester.hooks:attach"]),
        ({"heavy_warm": True}, {}, ["warm.workers:attach_early", "report.hooks:attach", "warm.workers:attach"]),
        ({"heavy_stub_update": True}, {}, ["report.hooks:attach", "stubs.hooks:attach_update"]),
    ],
)
def test_what_is_asked_for_is_attached(
    tmp_path: Path, flags: dict[str, Any], ini: dict[str, Any], references: list[str]
) -> None:
    """And no more."""
    asked = settings(tmp_path, flags, **ini)
    assert _asked_for(asked) == references


def test_marks_that_lead_somewhere_are_ours() -> None:
    """Each is one that every run looks for."""
    assert features.OF_MARKS.keys() <= MARKS


def test_settings_are_read_once(tmp_path: Path) -> None:
    """When somebody first asks, before conftest files: what is given later changes nothing."""
    config: Any = Config(tmp_path, heavy_guard="error")
    first = features._state(config, Namespace())
    assert first.settings.guard == "error"
    assert features._state(config, Namespace(heavy_guard="off")) is first
