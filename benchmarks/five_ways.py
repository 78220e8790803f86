"""
Five ways out of the reload problem: ``python -m benchmarks.five_ways [--rounds N] [--write PAGE]``.

Whole runs of pytest in ``examples/five_ways``, all ways by turns: the same 17 tests, and one that needs no torch. Each
way is also run with the two tests of ``examples/broken_suite`` that reload and evict torch, with the guard and without.
Prints tables, for the page in ``docs`` that ``--write`` puts them into; 1 where an outcome is not the one told there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pytest

from .__main__ import describe_machine
from .machinery import MODULE, RunFailed, install

EXAMPLES = Path(__file__).parent.parent / "examples"
BEGIN, END = "<!-- tables: python -m benchmarks.five_ways -->\n", "<!-- tables end -->\n"
LIGHT_TEST = "test_status_is_written_to_the_task_hash"
HABITS = tuple(f"../broken_suite/tests/test_{name}.py" for name in ("batched_calls", "cold_start"))
ONE_RUN: tuple[tuple[str, ...], ...] = ((),)


@dataclass(frozen=True)
class Way:
    """One of the ways, and what its runs come to."""

    name: str
    settings: str
    """The configuration's file in ``examples/five_ways``, without its ending."""
    tests: str
    outcome: str
    """Of the 17 tests."""
    unguarded: str
    """With the two habits, the guard off."""
    guarded: str
    """With the two habits, the guard at ``error``."""
    runs: tuple[tuple[str, ...], ...] = ONE_RUN
    """The arguments of each run of pytest that the way consists of."""


OLD_STYLE, AT_THE_TOP = "../broken_suite/tests/worker", "tests/module_level"
REFUSED = "1 failed, 18 passed, 1 error"
WAYS = (
    Way("as it was", "as_it_was", OLD_STYLE, "17 passed", "2 failed, 17 passed", REFUSED),
    Way("imports at the top", "module_level", AT_THE_TOP, "17 passed", "2 failed, 17 passed", REFUSED),
    Way("fixtures", "fixture", "../worker_pipeline/tests", "17 passed", "1 failed, 17 passed, 1 error", REFUSED),
    Way("a stand-in", "stand_ins", AT_THE_TOP, *["9 passed, 8 skipped", *["10 passed, 9 skipped"] * 2]),
    Way("a process each", "process_each", OLD_STYLE, "17 passed", "1 failed, 18 passed", REFUSED),
    Way(
        "split files",
        "split_files",
        "tests/split_files",
        "17 passed",
        "1 failed, 18 passed",
        REFUSED,
        runs=tuple((f"tests/split_files/test_{name}.py",) for name in ("status", "edit_rate")),
    ),
)


@dataclass(frozen=True)
class Measured:
    """What the runs of a way came to."""

    outcome: str
    seconds: float
    peak_bytes: int
    """The largest resident set of any one process."""


def outcome_of(outputs: Sequence[str]) -> str:
    """The outcomes of all runs, added up: ``"1 failed, 18 passed"``."""
    totals: dict[str, int] = {}
    for output in outputs:
        for noun, number in pytest.RunResult.parse_summary_nouns(output.splitlines()).items():
            totals[noun] = totals.get(noun, 0) + number
    singular = {"errors": "error", "warnings": "warning"}
    order = ("failed", "passed", "skipped", "errors")
    told = ((totals[noun], noun) for noun in order if noun in totals)
    return ", ".join(
        f"{number} {singular[noun] if number == 1 and noun in singular else noun}" for number, noun in told
    )


def run(directory: Path, environment: Mapping[str, str], way: Way, runs: Sequence[Sequence[str]]) -> Measured:
    """Run pytest as often as the way asks for, one run after the other."""
    outputs, seconds, peak_bytes = [], 0.0, 0
    for arguments in runs:
        command = [sys.executable, "-m", "pytest", "-p", MODULE, "-p", "no:cacheprovider", "-c", f"{way.settings}.ini"]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
            start = perf_counter()
            process = subprocess.Popen(
                [*command, *arguments], cwd=directory, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds += perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            peak_bytes = max(peak_bytes, usage.ru_maxrss * 1024)
            output.seek(0)
            outputs.append(output.read())
        if process.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            raise RunFailed(f"{way.name}: exit status {process.returncode}\n{outputs[-1]}")
    return Measured(outcome_of(outputs), seconds, peak_bytes)


def with_habits(way: Way, guard: str) -> tuple[tuple[str, ...], ...]:
    """The runs of a way that has the two habits beside its tests: in a run of their own where files are split."""
    flag = f"--heavy-guard={guard}"
    if way.runs == ONE_RUN:
        return ((flag, *HABITS, way.tests),)
    return tuple((flag, *arguments) for arguments in (*way.runs, HABITS))


def tables(rounds: Mapping[str, Sequence[tuple[Measured, Measured]]]) -> str:
    """The tables of the page: what the ways cost, and what the habits do to them."""
    lines = [
        "| way | the 17 tests | seconds | against as it was | one test without torch | largest process |",
        "|---|---|---|---|---|---|",
    ]
    before = [whole.seconds for whole, _ in rounds[WAYS[0].name]]
    for way in WAYS:
        seconds = [whole.seconds for whole, _ in rounds[way.name]]
        one = statistics.median(light.seconds for _, light in rounds[way.name])
        ratio = statistics.median(now / then for now, then in zip(seconds, before))
        peak = statistics.median(whole.peak_bytes for whole, _ in rounds[way.name]) / 2**20
        spread = f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
        lines.append(f"| {way.name} | {way.outcome} | {spread} | {ratio:.2f} | {one:.2f} s | {peak:.0f} MiB |")
    facts = ", ".join(f"{name} {value}" for name, value in describe_machine() if name not in ("CPUs", "platform"))
    lines += ["", f"Medians of {len(before)} rounds, all ways by turns; {facts}; Linux, {os.cpu_count()} CPUs.", ""]
    lines += ["| way | with the two habits, guard off | guard at `error` |", "|---|---|---|"]
    lines += [f"| {way.name} | {way.unguarded} | {way.guarded} |" for way in WAYS]
    return "\n".join(lines) + "\n"


def write(page: Path, text: str) -> None:
    """Put the tables into the page, in the place of those that are there."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{page} has no place for the tables: {BEGIN.strip()} ... {END.strip()}")
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Run all ways and print the table; 1 where one did not come out as it should."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.five_ways", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each way")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    given = parser.parse_args()
    rounds: dict[str, list[tuple[Measured, Measured]]] = {way.name: [] for way in WAYS}
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as place:
        environment = {**install(Path(place, "site")), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        examples = Path(place, "examples")
        shutil.copytree(EXAMPLES, examples, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        directory = examples / "five_ways"
        for way in WAYS:  # the first runs warm the caches up, and are not counted
            expected = {way.runs: way.outcome}
            expected[with_habits(way, "off")] = way.unguarded
            expected[with_habits(way, "error")] = way.guarded
            for runs, outcome in expected.items():
                seen = run(directory, environment, way, runs).outcome
                if seen != outcome:
                    wrong.append(f"{way.name}, {runs}: {seen}, not {outcome}")
        for _ in range(0 if wrong else given.rounds):
            for way in WAYS:
                light = (*way.runs[0], "-k", LIGHT_TEST)
                rounds[way.name].append(
                    (run(directory, environment, way, way.runs), run(directory, environment, way, [light]))
                )
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    print(text := tables(rounds))
    if given.write:
        write(given.write, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
