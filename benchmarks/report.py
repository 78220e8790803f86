"""
What measuring costs: ``python -m benchmarks.report``.

``import torch`` in fresh interpreters, measured and not, by turns.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

SETUP = """
import gc, json, time
from pytest_heavyimports.imports.install import install_measuring
from pytest_heavyimports.imports.measuring import Measurer
from pytest_heavyimports.facts.measure import Clock
from pytest_heavyimports.facts.places import Place
gc.disable()
measurer = Measurer(Clock(), lambda: Place("start"))
"""
INSTALL = "install_measuring(measurer)\n"
IMPORT = """
wall, cpu = time.perf_counter(), time.process_time()
import torch
took = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps(took))
"""
LIMIT = 1.01


def child(code: str) -> tuple[float, float]:
    """Seconds of wall and of CPU time."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wall_s, cpu_s = json.loads(done.stdout)
    return wall_s, cpu_s


def main(pairs: int = 11) -> int:
    """Print the figures; 1 where one is over its limit."""
    ratios: dict[str, list[float]] = {"wall": [], "CPU": []}
    for number in range(pairs + 1):
        codes = {"measured": SETUP + INSTALL + IMPORT, "plain": SETUP + IMPORT}
        order = ("measured", "plain") if number % 2 else ("plain", "measured")
        runs = {side: child(codes[side]) for side in order}
        if number:  # the first warms the caches up
            for figure, name in enumerate(ratios):
                ratios[name].append(runs["measured"][figure] / runs["plain"][figure])
    for name, each in ratios.items():
        middle = statistics.median(each)
        print(f"import torch, measured over not, {name}: {middle:.3f}, pairs {min(each):.3f} to {max(each):.3f}")
    return int(statistics.median(ratios["CPU"]) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
