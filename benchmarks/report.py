"""
What measuring costs, and how exact it is: ``python -m benchmarks.report``.

``import torch`` in fresh interpreters, measured and not, by turns; then the times of the twenty biggest modules, as
measured, against those of ``-X importtime`` in interpreters of their own, medians of both.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys

SETUP = """
import gc, json, time
from pytest_heavyimports.imports.install import install_measuring
from pytest_heavyimports.imports.measuring import Measurer
from pytest_heavyimports.measure import Clock
from pytest_heavyimports.places import Place
gc.disable()
measurer = Measurer(Clock(), lambda: Place("start"))
"""
INSTALL = "install_measuring(measurer)\n"
IMPORT = """
wall, cpu = time.perf_counter(), time.process_time()
import torch
took = time.perf_counter() - wall, time.process_time() - cpu
loads = {load.fullname: load.end_us - load.begin_us for load in measurer.take(is_last=True)}
print(json.dumps([*took, loads]))
"""
BIGGEST = 20


def child(code: str) -> tuple[float, float, dict[str, int]]:
    """Seconds of wall and of CPU time, and the microseconds of each module that was measured."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wall_s, cpu_s, loads = json.loads(done.stdout)
    return wall_s, cpu_s, loads


def importtime() -> dict[str, int]:
    """Cumulative microseconds, as Python tells them."""
    code = "import gc; gc.disable(); import torch"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    lines = re.findall(r"^import time: +\d+ \| +(\d+) \| +(\S+)$", done.stderr, re.MULTILINE)
    # Where a module's parent is imported on the way, and imports the module itself, its execution has the first line.
    return {name: int(cumulative) for cumulative, name in reversed(lines)}


def main(pairs: int = 11) -> int:
    """Print the figures; 1 where one is over its limit."""
    ratios: dict[str, list[float]] = {"wall": [], "CPU": []}
    ours, theirs = [], []
    for number in range(pairs + 1):
        codes = {"measured": SETUP + INSTALL + IMPORT, "plain": SETUP + IMPORT}
        order = ("measured", "plain") if number % 2 else ("plain", "measured")
        runs = {side: child(codes[side]) for side in order}
        if number:  # the first warms the caches up
            for figure, name in enumerate(ratios):
                ratios[name].append(runs["measured"][figure] / runs["plain"][figure])
            ours.append(runs["measured"][2])
            theirs.append(importtime())
    for name, each in ratios.items():
        middle = statistics.median(each)
        print(f"import torch, measured over not, {name}: {middle:.3f}, pairs {min(each):.3f} to {max(each):.3f}")
    their_medians = {name: statistics.median(run[name] for run in theirs) for name in theirs[0]}
    differences = []
    print(f"  {'the biggest modules':<40} {'measured':>9}  {'importtime':>10}")
    for name in sorted(their_medians, key=lambda name: -their_medians[name])[:BIGGEST]:
        mine = statistics.median(run[name] for run in ours)
        differences.append(mine / their_medians[name] - 1)
        print(f"  {name:<40} {mine / 1e6:7.3f} s  {their_medians[name] / 1e6:8.3f} s  {differences[-1]:+.1%}")
    return int(statistics.median(ratios["CPU"]) > 1.01 or max(map(abs, differences)) > 0.1)


if __name__ == "__main__":
    sys.exit(main())
