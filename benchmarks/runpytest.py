"""
What runs of ``pytester`` cost: ``python -m benchmarks.runpytest [--pairs N]``.

A suite of a plugin's, 30 tests that each run pytest on one small test: in interpreters of their own, and forked
(``heavy_runpytest``). Whole runs by turns; seconds of the processor, those of all children included.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from .isolation import row
from .machinery import MODULE

TESTS = """
import pytest


@pytest.mark.parametrize("number", range(30))
def test_it(pytester, number):
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)
"""
WAYS = ("--heavy-runpytest=fork", "--runpytest=subprocess")


def processor_s(directory: Path, way: str) -> float:
    """What the suite takes, its children included."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "pytester", "-p", MODULE, way]
    begin = os.times()
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=600)
    end = os.times()
    if "30 passed" not in done.stdout:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return end.children_user + end.children_system - begin.children_user - begin.children_system


def main() -> int:
    """Print the figures; 1 where one is over its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runpytest", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        directory = Path(name)
        (directory / "test_plugin.py").write_text(TESTS, encoding="utf-8")
        measured = [tuple(processor_s(directory, way) for way in WAYS) for _ in range(given.pairs + 1)][1:]
    forked, fresh = (statistics.median(side) for side in zip(*measured))
    row("30 runs of one test, each in an interpreter", fresh, "s")
    row("the same, forked", forked, "s")
    over = statistics.median(one / other for one, other in measured)
    return int(row("forked over interpreters", over, "x", 0.45))


if __name__ == "__main__":
    sys.exit(main())
