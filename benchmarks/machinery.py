"""How two runs of pytest are compared: interleaved whole processes, exact CPU time of each, paired ratios."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from math import comb
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Literal

import pytest_heavyimports

DISTRIBUTION = "pytest-heavyimports"
PLUGIN = "heavyimports"
MODULE = "pytest_heavyimports.plugin"

Figure = Literal["CPU", "wall"]
FIGURES: tuple[Figure, ...] = ("CPU", "wall")


class RunFailed(Exception):
    """A run of pytest that is to be measured did not do what it should."""


@dataclass(frozen=True)
class Side:
    """One of the two commands of a comparison."""

    directory: Path
    arguments: tuple[str, ...]
    """What ``python -m pytest`` is given."""
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Benchmark:
    """Two commands, and how much the one with the plugin may cost in relation to the other."""

    name: str
    judged: Figure
    """The figure that the verdict uses."""
    limit: float
    pairs: int
    plugin: Side
    without: Side


@dataclass(frozen=True)
class Run:
    """What one process took, in seconds."""

    cpu_s: float
    wall_s: float

    def __getitem__(self, figure: Figure) -> float:
        return self.cpu_s if figure == "CPU" else self.wall_s


@dataclass
class Result:
    """The runs of one benchmark, in the order of the pairs."""

    benchmark: Benchmark
    plugin: list[Run] = field(default_factory=list)
    without: list[Run] = field(default_factory=list)

    def ratios(self, figure: Figure) -> list[float]:
        """For each pair, the run with the plugin in relation to the run without it."""
        return [plugin[figure] / without[figure] for plugin, without in zip(self.plugin, self.without)]

    def interval(self, figure: Figure) -> tuple[float, float]:
        """How far the verdict can be trusted."""
        return interval(self.ratios(figure))

    @property
    def is_over(self) -> bool:
        """Whether the median of the ratios is over the limit."""
        return median(self.ratios(self.benchmark.judged)) > self.benchmark.limit


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """
    Where the true median of the ratios lies, with a probability of 95 %.

    Reference: the sign test's interval for a median, by order statistics. Of fewer than six pairs: all of them.
    """
    ratios = sorted(ratios)
    number = len(ratios)
    outside = 0
    while sum(comb(number, below) for below in range(outside + 1)) / 2**number <= 0.025:
        outside += 1
    first = max(outside - 1, 0)
    return ratios[first], ratios[-1 - first]


def compare(benchmark: Benchmark, pairs: int) -> Result:
    """
    Run the two sides by turns; a first pair warms the caches up and is not counted.

    Whatever else happens on the machine changes slowly in comparison with a run, so it slows down both runs of a pair:
    that is why the ratios of pairs are compared, and why the order changes from one pair to the next.
    """
    result = Result(benchmark)
    for number in range(pairs + 1):
        order = ["plugin", "without"] if number % 2 else ["without", "plugin"]
        # Both runs of a pair get the same hash seed: it decides how well the dicts of a process work.
        runs = {side: run_once(getattr(benchmark, side), hash_seed=number) for side in order}
        if number > 0:
            result.plugin.append(runs["plugin"])
            result.without.append(runs["without"])
    return result


def run_once(side: Side, *, hash_seed: int = 0) -> Run:
    """
    Run pytest to its end, once.

    Raises:
        RunFailed: Its exit status is not 0; with its output.
    """
    status, run, output = _run(side, side.arguments, hash_seed)
    if status != 0:
        raise RunFailed(f"pytest {' '.join(side.arguments)}: exit status {status}\n{output}")
    return run


def check(benchmark: Benchmark) -> None:
    """
    See that the one side has the plugin, and the other has not.

    Raises:
        RunFailed: It is not so.
    """
    for side, expected in ((benchmark.plugin, 0), (benchmark.without, 4)):  # 4: pytest knows no such option
        status, _, output = _run(side, (*side.arguments, "--heavy-list"), hash_seed=0)
        if status != expected:
            raise RunFailed(f"{benchmark.name}: exit status {status} of --heavy-list, not {expected}\n{output}")


def _run(side: Side, arguments: tuple[str, ...], hash_seed: int) -> tuple[int, Run, str]:
    output = side.directory / "output.txt"
    with output.open("wb") as file:
        start = perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=side.directory,
            env={**side.environment, "PYTHONHASHSEED": str(hash_seed)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        # Not process.wait(): this tells what the child used, to the microsecond, and what nobody else used.
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    run = Run(cpu_s=usage.ru_utime + usage.ru_stime, wall_s=wall_s)
    return process.returncode, run, output.read_text(encoding="utf-8", errors="replace")


def install(directory: Path) -> dict[str, str]:
    """
    Put the plugin into *directory* as an installer does with a wheel.

    An editable installation will not do: pytest does not rewrite the assertions of its modules, which users pay for,
    and somebody who edits the package while this runs would change what is measured.

    Returns:
        The environment of processes that are to use it.
    """
    package = Path(pytest_heavyimports.__file__).parent
    shutil.copytree(package, directory / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    information = directory / f"{package.name}-{pytest_heavyimports.__version__}.dist-info"
    information.mkdir()
    for name in ("METADATA", "entry_points.txt"):
        text = metadata.distribution(DISTRIBUTION).read_text(name) or ""
        (information / name).write_text(text, encoding="utf-8")
    files = [path.relative_to(directory).as_posix() for path in sorted(directory.rglob("*")) if path.is_file()]
    (information / "RECORD").write_text("".join(f"{file},,\n" for file in files), encoding="utf-8")
    # Compiled modules are kept, as they are for users; settings of pytest that happen to be there are not passed on.
    dropped = ("PYTEST_", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONWARNINGS", "COV_", "COVERAGE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**environment, "PYTHONPATH": str(directory)}


def other_plugins() -> Iterator[str]:
    """The names of all other installed plugins: they would make the plugin's share of a run look small."""
    yield from sorted({entry_point.name for entry_point in metadata.entry_points(group="pytest11")} - {PLUGIN})
