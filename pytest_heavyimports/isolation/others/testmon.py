"""pytest-testmon: it counts the lines of each test, and saves them in the process that runs pytest."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from ...config.hooks import Hooks

MODULE = "testmon"
NAME = "pytest-testmon"
NEEDED = ("testmon.testmon_core:TestmonCollector.get_batch_coverage_data", "testmon.pytest_testmon:TestmonCollect")
"""2.2 has these."""
COLLECTING = "TestmonCollect"
"""Its plugin that counts lines, where it does."""


def is_used(config: pytest.Config) -> bool:
    """Whether it counts lines in this run."""
    return config.pluginmanager.has_plugin(COLLECTING)


def forget(item: pytest.Item) -> None:
    """
    Have it count nothing here for a test that runs in another process.

    It believes that the test runs in this one, and would save that it has executed no line. What the other process
    has counted comes with the report of the teardown.
    """
    collecting: Any = item.config.pluginmanager.getplugin(COLLECTING)
    if collecting:
        collecting.testmon.batched_test_names.discard(item.nodeid)
        collecting.testmon.cov.switch_context("")


def writes(_: pytest.Config) -> str:
    """It deletes nothing of what a test is to keep."""
    return ""


class TestmonHooks(Hooks):
    """Gives it what it has counted here where the last test runs in another process."""

    def __init__(self, config: pytest.Config) -> None:
        self._collector: Any = config.pluginmanager.getplugin(COLLECTING).testmon

    # First: its own saves what it finds in the report.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        waiting = self._collector.batched_test_names
        is_last = report.when == "teardown" and self._collector._next_test_name is None
        if is_last and waiting and report.nodeid not in waiting:
            counted = getattr(report, "nodes_files_lines", {})
            report.nodes_files_lines = {  # type: ignore[attr-defined]  # where it puts them itself
                **self._collector.get_batch_coverage_data(),
                **counted,
            }


HOOKS = TestmonHooks


def count_lines_elsewhere(config: pytest.Config) -> None:
    """
    Count lines in a fresh interpreter, as it does in a worker of pytest-xdist.

    There its own options are off: by them it would not collect the file, and would forget the tests of all others.
    """
    core = importlib.import_module("testmon.testmon_core")
    plugin = importlib.import_module("testmon.pytest_testmon")
    collector = core.TestmonCollector(str(config.rootpath), testmon_labels=["testmon"], cov_plugin=None)
    config.pluginmanager.register(plugin.TestmonCollect(collector, None, "worker"), COLLECTING)
