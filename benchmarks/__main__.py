"""Run the benchmarks and print a table: ``python -m benchmarks [--runs N] [-k PART] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median

from .cases import CASES
from .machinery import DISTRIBUTION, FIGURES, Result, RunFailed, check, compare, install

COLUMNS = f"{'benchmark':<40} {'pairs':>5}  {'':<4}" + "".join(
    f" {name:>7}" for name in ("plugin", "without", "ratio", "min", "max", "from", "to", "limit")
)
LEGEND = """\
CPU: user and system time of the process, wall: time from its start to its end; medians, in seconds, of whole runs of
pytest with the plugin and without it. ratio, min, max: of the ratios of pairs of runs, one with the plugin and one
without it, by turns; one more pair before them is not counted. ratio is their median; it lies between from and to with
a probability of 95 %: a limit in between is not decided by so few pairs. The verdict uses the line that has a limit:
CPU time, which other processes disturb less, or wall time where the time that one waits is the point."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 if any of it is over its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=_positive, metavar="N", help="pairs of runs of each benchmark")
    parser.add_argument("-k", default="", metavar="PART", dest="part", help="benchmarks with this in their names")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single run to this file")
    given = parser.parse_args(arguments)

    with tempfile.TemporaryDirectory(prefix="benchmarks-") as place:
        environment = install(Path(place, "site-packages"))
        benchmarks = [case(Path(place, case.__name__), environment) for case in CASES]
        chosen = [benchmark for benchmark in benchmarks if given.part in benchmark.name]
        if not chosen:
            parser.error(f"no benchmark has {given.part!r} in its name: {', '.join(each.name for each in benchmarks)}")
        machine = dict(describe_machine())
        print("\n".join(f"{name}: {value}" for name, value in machine.items()))
        print(f"\n{LEGEND}\n\n{COLUMNS}", flush=True)
        results = []
        try:
            for benchmark in chosen:
                check(benchmark)
            for benchmark in chosen:
                results.append(compare(benchmark, given.runs or benchmark.pairs))
                print("\n".join(rows(results[-1])), flush=True)
        except RunFailed as failed:
            print(failed, file=sys.stderr)
            return 2

    if given.json:
        facts = {"machine": machine, "benchmarks": [as_json(result) for result in results]}
        given.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return int(any(result.is_over for result in results))


def describe_machine() -> Iterator[tuple[str, str]]:
    """What the figures depend on."""
    yield "Python", f"{platform.python_implementation()} {platform.python_version()}"
    yield "platform", platform.platform()
    yield "CPUs", str(os.cpu_count())
    for name in ("pytest", "torch", DISTRIBUTION):
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            yield name, "not installed"


def rows(result: Result) -> Iterator[str]:
    """The lines of the table for one benchmark: one for each figure, the verdict in that which it uses."""
    benchmark = result.benchmark
    for figure in FIGURES:
        name, pairs = (benchmark.name, str(len(result.plugin))) if figure == FIGURES[0] else ("", "")
        seconds = [median(run[figure] for run in runs) for runs in (result.plugin, result.without)]
        ratios = result.ratios(figure)
        numbers = (*seconds, median(ratios), min(ratios), max(ratios), *result.interval(figure))
        row = f"{name:<40} {pairs:>5}  {figure:<4}" + "".join(f" {number:7.3f}" for number in numbers)
        if figure == benchmark.judged:
            row += f" {benchmark.limit:7.2f}  {'over' if result.is_over else 'ok'}"
        yield row


def as_json(result: Result) -> dict[str, object]:
    """Everything that was measured."""
    benchmark = result.benchmark
    return {
        "name": benchmark.name,
        "judged": benchmark.judged,
        "limit": benchmark.limit,
        "verdict": "over" if result.is_over else "ok",
        "ratio": {figure: median(result.ratios(figure)) for figure in FIGURES},
        "interval": {figure: result.interval(figure) for figure in FIGURES},
        "plugin": [{figure: run[figure] for figure in FIGURES} for run in result.plugin],
        "without": [{figure: run[figure] for figure in FIGURES} for run in result.without],
    }


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
