"""Beside pytest-xdist, whose workers are sessions of their own; more of it is in the tests of each feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("xdist")

HEAVY_TESTS = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_it(counted, heavy_module, number):
    assert heavy_module("counted") is counted
"""


def test_each_worker_imports_once(suite: Suite) -> None:
    """Under pytest-xdist each worker has its own import, and the process that distributes has none."""
    suite.declare("counted")
    suite.tests(HEAVY_TESTS)
    result = suite.run("-p", "xdist.plugin", "-n", "2", "--dist", "each", "-W", "error")
    result.assert_outcomes(passed=12)
    processes = suite.executing_processes()
    assert len(processes) == 2
    assert len(set(processes)) == 2


def test_faults_are_told_under_xdist(suite: Suite) -> None:
    """A line that can't be read ends the run before a worker is started."""
    suite.declare("torch >> 2")
    result = suite.run("-p", "xdist.plugin", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().count("'torch >> 2' can't be read") == 1


def test_the_guard_works_in_workers(suite: Suite) -> None:
    """A worker refuses a reload as a single process does, and the report of the failure has the place."""
    suite.write("numpy/__init__.py", "")
    suite.tests("import importlib\n\ndef test_it():\n    import numpy\n    importlib.reload(numpy)\n")
    result = suite.run("-p", "xdist.plugin", "-n", "1", "--heavy-guard=error")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*  reload: test_it.py:5, in test_it.py::test_it (call)"])
