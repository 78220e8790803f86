"""
This plugin beside others: ``python -m benchmarks.peers [NAME ...] [--rounds N] [--only PART] [-v]``.

Each tool is installed into an environment of its own, and runs the same 17 tests with real torch, all tools by turns,
and the traps that are its business. What was found is added to ``results.json`` beside this file, of which ``peers.md``
is written. ``--environments`` keeps the environments in a folder, and uses those that are there.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..environments import create, version
from ..processes import MARK, end
from .runs import Place, faults, laid, quoted, spring
from .suites import INNOCENT, SUITES, TRAPS, Step
from .table import page
from .tools import TOOLS, Tool

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "results.json", HERE / "peers.md"
SHARED = ("torch==2.13.0", "numpy", "redis", "fakeredis")
LIMIT_S = 300.0
ENOUGH_S = 60.0
"""A tool that has taken so long with a suite is not run again."""
LONG_S = 20.0
"""A run of so many seconds counts although its memory is looked at meanwhile, which costs some milliseconds."""
SEVENTEEN = Step(INNOCENT)


def main() -> int:
    """Measure, and write the tables."""
    names = [tool.name for tool in TOOLS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=5, help="runs of the 17 tests")
    kinds = ("costs", "traps", *[trap.name for trap in TRAPS])
    parser.add_argument("--only", choices=kinds, help="the one or the other, or one trap")
    parser.add_argument("--environments", type=Path, metavar="DIR", help="where environments are kept")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the output of what is wrong")
    given = parser.parse_args()
    if unknown := set(given.names).difference(names):
        parser.error(f"not among the tools: {', '.join(sorted(unknown))}")
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="peers-") as place:
        pythons = install([tool for tool in TOOLS if tool.name in (given.names or names)], results, given, Path(place))
        if given.only != "costs":
            spring_all(pythons, results, Path(place), given)
        if given.only in (None, "costs"):
            measure_all(pythons, results, Path(place), given.rounds)
    save(results)
    return 0


def save(results: dict[str, Any]) -> None:
    """Write what was found, and the page."""
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")


def install(tools: Sequence[Tool], results: dict[str, Any], given: argparse.Namespace, place: Path) -> dict[Tool, Path]:
    """An environment for each tool that can be installed; gives its interpreter."""
    folder = given.environments or place / "environments"
    shared = folder / "shared" / "bin" / "python"
    if not shared.exists():
        create(folder / "shared", *SHARED)
    pythons = {}
    for tool in tools:
        home = folder / "".join(filter(str.isalnum, tool.name))
        python = home / "bin" / "python"
        result = results.setdefault(tool.name, {})
        result["machine"], result["date"] = machine(version(shared, "torch")), str(datetime.date.today())
        try:
            if not python.exists():
                create(home, *(tool.requirements or (tool.distribution,)), like=shared)
        except subprocess.CalledProcessError as failed:
            result["failed"] = quoted(failed.stderr)
            shutil.rmtree(home)
            continue
        result.pop("failed", None)
        pythons[tool] = python
        result["versions"] = [version(python, name) for name in (tool.distribution, "pytest")]
    return pythons


def spring_all(pythons: dict[Tool, Path], results: dict[str, Any], place: Path, given: argparse.Namespace) -> None:
    """The traps that are the business of the tools, and are asked for."""
    asked = {trap.name for trap in TRAPS if given.only in (None, "traps", trap.name)}
    for tool, python in pythons.items():
        found = results[tool.name].setdefault("traps", {})
        for number, trap in enumerate(trap for trap in TRAPS if trap.name in asked.intersection(tool.traps)):
            with laid(tool, python, place / f"t{number}", trap.files) as suite:
                verdict = spring(trap, suite)
            found[trap.name] = {"faults": verdict.faults, "quoted": verdict.quoted}
            print(f"{tool.name}, {trap.name}: {verdict.faults or 'right'}", flush=True)
            if given.verbose and verdict.faults:
                print("".join(f"    {line}\n" for line in verdict.output.splitlines()), flush=True)
        save(results)


def measure_all(pythons: dict[Tool, Path], results: dict[str, Any], place: Path, rounds: int) -> None:
    """Seconds and memory of the 17 tests; the first runs, which are not timed, are looked at for their memory."""
    for suite, files in SUITES.items():
        with contextlib.ExitStack() as stack:
            places = []
            for number, (tool, python) in enumerate(pythons.items()):
                place_of = stack.enter_context(laid(tool, python, place / f"c{number}", files))
                places.append(place_of)
                cost = {"first": [], "later": [], "peak_bytes": 0, "failed": ""}
                results[tool.name].setdefault("costs", {})[suite] = cost
                begin(place_of, cost)
            for _ in range(rounds):
                for each in places:
                    measure(each, results[each.tool.name]["costs"][suite])
        for tool in pythons:
            print(f"{tool.name}, {suite}: {results[tool.name]['costs'][suite]}", flush=True)
        save(results)


def begin(place: Place, cost: dict[str, Any]) -> None:
    """Look at the memory, in two runs where a process stays; they fill the caches, too."""
    for _ in range(2 if place.tool.is_resident else 1):
        ended = place.run(SEVENTEEN, place.tool.arguments, limit_s=LIMIT_S, looks=True)
        cost["peak_bytes"] = max(cost["peak_bytes"], ended.peak_bytes)
        if wrong := faults(SEVENTEEN, ended):
            cost["failed"] = f"{wrong}: `{quoted(ended.output)}`"
        elif ended.seconds > LONG_S and not place.tool.is_resident:
            cost["later"].append(round(ended.seconds, 3))
    end(place.environment[MARK])


def measure(place: Place, cost: dict[str, Any]) -> None:
    """One run, or three where a process stays: the second one may still have to learn."""
    if cost["failed"] or sum(cost["later"]) > ENOUGH_S:
        return
    for number in range(3 if place.tool.is_resident else 1):
        ended = place.run(SEVENTEEN, place.tool.arguments, limit_s=LIMIT_S)
        if wrong := faults(SEVENTEEN, ended):
            cost["failed"] = f"{wrong}: `{quoted(ended.output)}`"
            break
        if number != 1:
            cost["first" if place.tool.is_resident and not number else "later"].append(round(ended.seconds, 3))
    end(place.environment[MARK])


def machine(torch: str) -> str:
    """What the figures depend on, beside the versions of each tool."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, torch {torch}, {platform.system()}, {os.cpu_count()} CPUs, {memory:.0f} GiB"


if __name__ == "__main__":
    sys.exit(main())
