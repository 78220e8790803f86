"""
What a warm start saves: ``python -m benchmarks.warm``.

The worker pipeline's 17 tests, by ``heavyimports run`` with a warm process that has seen two runs, by pytest, and by
pytest over the same tests with no torch in them; and with four workers of pytest-xdist, warm and not. By turns, medians
of the ratios of neighbours. The memory of workers is theirs, and what they share with others, shared out among those
who share it (PSS), the highest of all looks; then with that of the warm process, which the run has started as well.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from .cases import PIPELINE, take_torch_away
from .machinery import install
from .processes import MARK, Ended, run

RUNS = 11
RUNS_OF_WORKERS = 5
LIMIT_S = 300.0
BIN = Path(sys.executable).parent
PLUGINS = ("-p", "pytest_heavyimports.plugin", "-p", "no:cacheprovider", "-q")


def main() -> int:
    """Print the figures; 1 where one is over its limit."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        place = Path(name)
        suites = place / "pipeline", place / "twin"
        for suite in suites:
            shutil.copytree(PIPELINE, suite, ignore=shutil.ignore_patterns("__pycache__"))
        take_torch_away(suites[1])
        environment = {
            **install(place / "site-packages"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "XDG_RUNTIME_DIR": name,
            "XDG_CACHE_HOME": name,
            MARK: name,
        }
        try:
            rows = [*_runs(*suites, environment), *_workers(suites[0], environment)]
        finally:
            subprocess.run([BIN / "heavyimports", "stop"], env=environment, stdout=subprocess.DEVNULL, check=True)
    for what, ratio, limit, facts in rows:
        print(f"{what:<52} {ratio:>6.3f}  limit {limit:.2f}  {'ok  ' if ratio <= limit else 'over'}  {facts}")
    return int(any(ratio > limit for _, ratio, limit, _ in rows))


def _runs(suite: Path, twin: Path, environment: Mapping[str, str]) -> list[tuple[str, float, float, str]]:
    kinds: dict[str, Callable[[], float]] = {
        "warm": lambda: _seconds([BIN / "heavyimports", "run", *PLUGINS], suite, environment),
        "plain": lambda: _seconds([BIN / "pytest", *PLUGINS], suite, environment),
        "twin": lambda: _seconds([BIN / "pytest", *PLUGINS], twin, environment),
    }
    for _ in range(3):
        kinds["warm"]()  # learns, and has learnt
        subprocess.run([BIN / "heavyimports", "status"], env=environment, stdout=subprocess.DEVNULL, check=True)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(RUNS + 1):
        # Never one warm run just after another: its child is not there yet, and nobody types so fast.
        first = number % len(kinds)
        for kind in [*kinds, *kinds][first : first + len(kinds)]:
            seconds = kinds[kind]()
            if number > 0:
                times[kind].append(seconds)
    facts = ", ".join(f"{kind} {median(seconds):.3f} s" for kind, seconds in times.items())
    return [
        ("heavyimports run over pytest", _ratio(times["warm"], times["plain"]), 0.07, facts),
        ("heavyimports run over pytest, no torch in the suite", _ratio(times["warm"], times["twin"]), 0.5, ""),
    ]


def _workers(suite: Path, environment: Mapping[str, str]) -> list[tuple[str, float, float, str]]:
    # No process is warm yet: each run starts one for itself.
    subprocess.run([BIN / "heavyimports", "stop"], env=environment, stdout=subprocess.DEVNULL, check=True)
    looks = _looks(suite, environment)
    figures = {
        "wall time": (0.4, "s", lambda done: done.seconds),
        "memory of workers": (0.4, "MiB", lambda done: done.youngest_bytes / 2**20),
        "with the warm process": (1.0, "MiB", lambda done: done.peak_bytes / 2**20),
    }
    rows = []
    for what, (limit, unit, figure) in figures.items():
        of = {kind: [figure(done) for done in found] for kind, found in looks.items()}
        ratio = _ratio(of["warm"], of["plain"])
        rows.append((f"-n 4 --heavy-warm over -n 4, {what}", ratio, limit, _facts(of, unit)))
    subprocess.run([BIN / "heavyimports", "run", *PLUGINS], cwd=suite, env=environment, capture_output=True, check=True)
    of = {kind: [done.seconds for done in found] for kind, found in _looks(suite, environment).items()}
    rows.append(
        ("the same by one that is warm already, wall time", _ratio(of["warm"], of["plain"]), 0.4, _facts(of, "s"))
    )
    return rows


def _looks(suite: Path, environment: Mapping[str, str]) -> dict[str, list[Ended]]:
    """Runs with four workers, by turns; the first of each is not counted."""
    command = [BIN / "pytest", *PLUGINS, "-p", "xdist", "-n", "4"]
    looks: dict[str, list[Ended]] = {"plain": [], "warm": []}
    for number in range(RUNS_OF_WORKERS + 1):
        for kind in sorted(looks, reverse=number % 2 == 1):
            look = _watched(command + ["--heavy-warm"] * (kind == "warm"), suite, environment)
            if number > 0:
                looks[kind].append(look)
    return looks


def _ratio(one: list[float], other: list[float]) -> float:
    return median(first / second for first, second in zip(one, other))


def _facts(of: Mapping[str, list[float]], unit: str) -> str:
    return ", ".join(f"{kind} {median(found):.1f} {unit}" for kind, found in of.items())


def _seconds(command: list[str | Path], suite: Path, environment: Mapping[str, str]) -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=suite, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    is_right = "17 passed" in done.stdout and not done.stderr
    assert is_right, done.stdout + done.stderr
    return seconds


def _watched(command: list[str | Path], suite: Path, environment: Mapping[str, str]) -> Ended:
    """A run, and the memory of all processes that it has started."""
    done = run(command, suite, environment, LIMIT_S, looks=True, but_itself=True)
    is_right = "17 passed" in done.output and "plain one" not in done.output
    assert is_right, done.output
    return done


if __name__ == "__main__":
    sys.exit(main())
