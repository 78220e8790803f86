"""
What the guard costs: ``python -m benchmarks.guard [PAIRS]``.

``import torch`` in fresh interpreters, guarded and not, by turns; then, in one process with torch imported, a
checkpoint, the look at every kept module, and the import of torch after it was thrown out of ``sys.modules``.

All of it is CPU time. The limits of the second part are those of a machine on which the yardstick, the comparison
``kept.items() <= sys.modules.items()`` that Python makes in C, takes 28 ns a module. It is timed beside each of them,
and a figure is judged as it would be there, so that a machine that is slow just now decides nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from .machinery import interval

YARDSTICK_NS = 28.0

GUARD = """
import importlib, json, sys, time
from contextlib import nullcontext
from statistics import median
from pytest_heavyimports.guard.session import Guard
from pytest_heavyimports.imports.install import install
from pytest_heavyimports.imports.keeper import KEEPER
from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.places import Whereabouts

guard = Guard("restore", KEEPER, ledger=Ledger(), whereabouts=Whereabouts("/"), around=nullcontext)
"""

IMPORT = """
start = time.process_time()
import torch
print(json.dumps(time.process_time() - start))
"""

PARTS = """
install(guard, KEEPER)
import torch
import torch._dynamo

def timed(function, before, calls):
    before()
    start = time.thread_time_ns()
    for _ in range(calls):
        function()
    return (time.thread_time_ns() - start) / calls

def medians_ns(function, before=lambda: None, loops=300, calls=1):
    here, beside = [], []
    for _ in range(loops):
        here.append(timed(function, before, calls))
        beside.append(timed(lambda: KEEPER.kept.items() <= sys.modules.items(), lambda: None, 1))
    return median(here), median(beside) / len(KEEPER.kept)

def pop_all():
    for name in list(sys.modules):
        if name.partition(".")[0] == "torch":
            del sys.modules[name]

guard.watch.check(every_module=True)
print(json.dumps({
    "kept": len(KEEPER.kept),
    "roots": len(guard.protection.packages),
    "checkpoint": medians_ns(guard.watch.check, calls=100),
    "every module": medians_ns(lambda: guard.watch.check(every_module=True)),
    "root given back": medians_ns(lambda: importlib.import_module("torch"), lambda: sys.modules.pop("torch")),
    "all given back": medians_ns(lambda: importlib.import_module("torch"), pop_all, loops=100),
}))
"""


def child(code: str) -> object:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main(pairs: int = 31) -> int:
    """Print the figures; 1 where one is over its limit."""
    ratios = []
    for number in range(pairs):
        codes = {"guarded": f"{GUARD}install(guard, KEEPER)\n{IMPORT}", "plain": f"{GUARD}{IMPORT}"}
        order = ("guarded", "plain") if number % 2 else ("plain", "guarded")
        seconds = {side: float(str(child(codes[side]))) for side in order}
        ratios.append(seconds["guarded"] / seconds["plain"])
    first, last = interval(ratios)
    is_over = median(ratios) > 1.01
    print(f"import torch, guarded over not: {median(ratios):.3f}, limit 1.01: {'over' if is_over else 'ok'}")
    print(f"  {pairs} pairs, {min(ratios):.3f} to {max(ratios):.3f}, their median within {first:.3f} to {last:.3f}\n")

    parts = child(GUARD + PARTS)
    assert isinstance(parts, dict)
    rows = [
        (f"a checkpoint, {parts['roots']} protected packages", "checkpoint", 2.0),
        (f"the look at every module, {parts['kept']} kept", "every module", 100.0),
        ("import torch after sys.modules.pop('torch')", "root given back", 1000.0),
        ("import torch after all of torch.* was taken", "all given back", 1000.0),
    ]
    print(f"{'microseconds':<48} {'here':>8} {'judged':>8} {'limit':>8}")
    for name, part, limit_us in rows:
        here_ns, yardstick_ns = parts[part]
        here_us = here_ns / 1000
        judged_us = here_us * YARDSTICK_NS / yardstick_ns
        is_over |= judged_us > limit_us
        print(f"{name:<48} {here_us:8.2f} {judged_us:8.2f} {limit_us:8.2f}  {'over' if judged_us > limit_us else 'ok'}")
    return int(is_over)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
