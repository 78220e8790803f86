"""
What isolation costs: ``python -m benchmarks.isolation [--pairs N]``.

Whole runs of pytest, isolated and plain, by turns: the worker pipeline's 17 tests, and 500 trivial tests in a process
that has torch, beside what a bare ``os.fork`` of such a process costs. ``benchmarks.peers`` has other plugins.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from .cases import PIPELINE
from .machinery import MODULE

FORK = """
import gc, os, statistics, time
import torch

def fork_ms():
    start = time.perf_counter()
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    return (time.perf_counter() - start) * 1e3

gc.freeze()
print(statistics.median(fork_ms() for _ in range(100)))
"""
TRIVIAL = 500
TRIVIAL_TESTS = "import torch\n\n\n" + "\n\n".join(f"def test_{number}():\n    pass\n" for number in range(TRIVIAL))
COMPUTES = """
import torch

SUM = (torch.ones(800, 800) @ torch.ones(800, 800)).sum()
"""
COMPUTING_TESTS = """
import pytest
import torch


@pytest.mark.parametrize("number", range(5))
def test_here(number):
    assert (torch.ones(800, 800) @ torch.ones(800, 800)).sum() > number


@pytest.mark.heavy_isolated
@pytest.mark.parametrize("number", range(5))
def test_isolated(number):
    assert (torch.ones(800, 800) @ torch.ones(800, 800)).sum() > number
"""


class RunFailed(Exception):
    """A run that is to be measured did not pass."""


def seconds(directory: Path, *arguments: str) -> float:
    """What a run of pytest takes, from its start to its end; all of its tests pass."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", MODULE, *arguments]
    start = perf_counter()
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RunFailed(done.stdout[-2000:] + done.stderr[-2000:])
    return perf_counter() - start


def compare(directory: Path, pairs: int, *arguments: str) -> tuple[list[float], list[float]]:
    """Seconds with these arguments and without, by turns; one more pair before them is not counted."""
    measured: tuple[list[float], list[float]] = [], []
    for number in range(pairs + 1):
        for side in (0, 1) if number % 2 else (1, 0):
            measured[side].append(seconds(directory, *(arguments if side == 0 else ())))
    return measured[0][1:], measured[1][1:]


def suite(place: Path, name: str, tests: str) -> Path:
    """A suite of one file."""
    directory = place / name
    directory.mkdir()
    (directory / "pytest.ini").write_text("[pytest]\nheavy_isolate_timeout = 60\n", encoding="utf-8")
    (directory / "test_suite.py").write_text(tests, encoding="utf-8")
    return directory


def row(name: str, figure: float, unit: str, limit: float | None = None) -> bool:
    """Print a line of the table; whether the figure is over its limit."""
    verdict = "" if limit is None else f"  limit {limit:7.2f}  {'ok' if figure <= limit else 'over'}"
    print(f"{name:<60} {figure:>9.3f} {unit:<2}{verdict}", flush=True)
    return limit is not None and figure > limit


def ratio(isolated: list[float], plain: list[float]) -> float:
    """The median of the ratios of pairs."""
    return statistics.median(one / other for one, other in zip(isolated, plain))


def main() -> int:
    """Print the figures; 1 where one is over its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.isolation", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        place = Path(name)
        pipeline = place / "pipeline"
        shutil.copytree(PIPELINE, pipeline, ignore=shutil.ignore_patterns("__pycache__"))
        isolated, plain = compare(pipeline, given.pairs, "--heavy-isolate")
        ratios = [one / other for one, other in zip(isolated, plain)]
        is_over = row("17 pipeline tests, isolated over plain", statistics.median(ratios), "x", 1.1)
        print(f"ratios of pairs: {min(ratios):.3f} to {max(ratios):.3f}; plain: {statistics.median(plain):.2f} s")

        trivial = suite(place, "trivial", TRIVIAL_TESTS)
        isolated, plain = compare(trivial, min(given.pairs, 3), "--heavy-isolate")
        each_ms = statistics.median((one - other) / TRIVIAL * 1e3 for one, other in zip(isolated, plain))
        done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True)
        row("a bare fork of a process with torch, and its end", float(done.stdout), "ms")
        is_over |= row(f"{TRIVIAL} trivial tests with torch, each more than plain", each_ms, "ms", 25.0)

        computing = suite(place, "computing", COMPUTING_TESTS)
        row("10 tests that compute, 5 of them isolated, after the others", seconds(computing), "s")
        at_import = suite(place, "at_import", COMPUTES + COMPUTING_TESTS)
        row("the same in a file that computes when it is imported", seconds(at_import), "s")
    return int(is_over)


if __name__ == "__main__":
    sys.exit(main())
