"""
What the guard costs: ``python -m benchmarks.guard``.

``import torch`` in fresh interpreters, guarded and not, by turns; then, in one process with torch imported, a
checkpoint, the look at every kept module, and the import of torch after it was thrown out of ``sys.modules``.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

GUARD = """
import importlib, json, statistics, sys, time
from contextlib import nullcontext
from pytest_heavyimports.guard.session import Guard
from pytest_heavyimports.imports.install import install
from pytest_heavyimports.imports.keeper import KEEPER
from pytest_heavyimports.ledger import Ledger
from pytest_heavyimports.places import Whereabouts

guard = Guard("restore", KEEPER, ledger=Ledger(), whereabouts=Whereabouts("/"), collector=nullcontext())
"""

IMPORT = """
start = time.perf_counter()
import torch
print(json.dumps(time.perf_counter() - start))
"""

PARTS = """
install(guard, KEEPER)
import torch
import torch._dynamo

def median_us(function, before=lambda: None, loops=300):
    times = []
    for _ in range(loops):
        before()
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times)

guard.watch.check(every_module=True)
print(json.dumps({
    "kept": len(KEEPER.kept),
    "roots": len(guard.protection.packages),
    "checkpoint": median_us(guard.watch.check, loops=3000),
    "every module": median_us(lambda: guard.watch.check(every_module=True), loops=1000),
    "root given back": median_us(lambda: importlib.import_module("torch"), lambda: sys.modules.pop("torch")),
    "all given back": median_us(
        lambda: importlib.import_module("torch"),
        lambda: [sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "torch"],
        loops=50,
    ),
}))
"""


def child(code: str) -> object:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main(pairs: int = 11) -> int:
    """Print the figures; 1 where one is over its limit."""
    ratios = []
    for number in range(pairs):
        codes = {"guarded": f"{GUARD}install(guard, KEEPER)\n{IMPORT}", "plain": f"{GUARD}{IMPORT}"}
        order = ("guarded", "plain") if number % 2 else ("plain", "guarded")
        seconds = {side: float(str(child(codes[side]))) for side in order}
        ratios.append(seconds["guarded"] / seconds["plain"])
    parts = child(GUARD + PARTS)
    assert isinstance(parts, dict)
    rows = [
        ("import torch, guarded over not (median of pairs)", statistics.median(ratios), 1.01, ""),
        (f"a checkpoint, {parts['roots']} protected packages", parts["checkpoint"], 2.0, "us"),
        (f"the look at every module, {parts['kept']} kept", parts["every module"], 100.0, "us"),
        ("import torch after sys.modules.pop('torch')", parts["root given back"], 1000.0, "us"),
        ("import torch after all of torch.* was taken", parts["all given back"], 1000.0, "us"),
    ]
    for name, figure, limit, unit in rows:
        print(f"{name:<52} {figure:>9.3f} {unit:<2}  limit {limit:>8.2f}  {'ok' if figure <= limit else 'over'}")
    print(f"ratios of pairs: {min(ratios):.3f} to {max(ratios):.3f}")
    return int(any(figure > limit for _, figure, limit, _ in rows))


if __name__ == "__main__":
    sys.exit(main())
