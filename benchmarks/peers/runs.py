"""One run of a suite by a tool, and whether it is right."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..processes import MARK, Ended, end, run
from .suites import MARK as TOOLS_MARK
from .suites import Step, Trap

if TYPE_CHECKING:
    from .tools import Tool

SEEN_S = 5.0
"""Between an edit and the next run: some look at files every two seconds."""
LINE = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED) \S*?::(\w+)", re.MULTILINE)
TELLING = re.compile(r"(^(INTERNALERROR> )?E {2,}|(?=ERROR: |Fatal Python error: ))(?P<told>.*)")
RESULT = re.compile(r"^=* ?\d+ (passed|failed|error|skipped)")
UNASKED = "and nobody asked for it"
CELL = 160
"""How many characters of a message are shown."""


@dataclass(frozen=True)
class Verdict:
    """What came of a trap."""

    faults: str
    """What was wrong, empty where nothing was."""
    quoted: str
    """A line of the output."""
    output: str


@dataclass(frozen=True)
class Place:
    """A suite on disk, and a tool in its environment, with which it is run."""

    tool: Tool
    python: Path
    directory: Path

    def run(self, step: Step, arguments: tuple[str, ...], *, limit_s: float, looks: bool = False) -> Ended:
        """One run of pytest, with one line for each test at its end."""
        command = [self.python, *self.tool.command, "-q", "-rA", "-p", "no:cacheprovider", *arguments, *step.arguments]
        environment = {**self.environment, **step.variables}
        return run(command, self.directory, environment, limit_s, looks=looks)

    @property
    def environment(self) -> dict[str, str]:
        """That of the run; what happens to be set here for pytest is not passed on."""
        dropped = ("PYTEST_", "PYTHON", "COV_", "COVERAGE_", "APP_", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        own = dict.fromkeys(("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "TMPDIR", MARK), str(self.directory.parent))
        return {**kept, **own, **dict(self.tool.variables), "COLUMNS": "200"}


@contextlib.contextmanager
def laid(tool: Tool, python: Path, place: Path, files: Mapping[str, str]) -> Iterator[Place]:
    """Write a suite, with the settings and the mark of a tool; in the end it is gone, and its processes, too."""
    directory = place / "suite"
    settings = f"[pytest]\npythonpath = .\ntestpaths = tests\nmarkers = {tool.mark}\n{tool.settings}"
    for name, text in {**files, "pytest.ini": settings}.items():
        write(directory / name, text.replace(f".{TOOLS_MARK}\n", f".{tool.mark}\n"))
    laid_out = Place(tool, python, directory)
    try:
        yield laid_out
    finally:
        end(laid_out.environment[MARK])
        shutil.rmtree(place)


def write(file: Path, text: str) -> None:
    """Write a file, with the folders that it needs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def outcomes(output: str) -> dict[str, str]:
    """The outcome of each function, the worst one where it has several."""
    found: dict[str, str] = {}
    for outcome, name in LINE.findall(output):
        if found.get(name) not in ("failed", "error"):
            found[name] = outcome.lower()
    return found


def spring(trap: Trap, place: Place) -> Verdict:
    """Run the steps of a trap, until one is wrong."""
    arguments = () if trap.is_marked else place.tool.arguments
    ended = Ended(None, 0, 0, "")
    for step in trap.steps:
        for name, text in step.edits.items():
            write(place.directory / name, text)
        if step.edits:
            time.sleep(SEEN_S)
        ended = place.run(step, arguments, limit_s=trap.limit_s)
        if wrong := faults(step, ended):
            told = f"{step.what}: {wrong}" if step.what else wrong
            output = ended.output.replace(str(place.directory.parent), "...")
            return Verdict(told, quoted(output, re.findall(r"`(\w+)`", wrong)), output)
    return Verdict("", "", ended.output)


def faults(step: Step, ended: Ended) -> str:
    """What is wrong with a run, in words; empty where nothing is."""
    if ended.status is None:
        return f"hangs, ended after {ended.seconds:.0f} s"
    seen = outcomes(ended.output)
    expected = {**dict.fromkeys(seen, UNASKED), **step.right} if step.is_whole else step.right
    wrong = [(name, seen.get(name, "no result"), right) for name, right in expected.items() if seen.get(name) != right]
    if not wrong:
        return ""
    if not seen:
        ends = f"{signal.Signals(-ended.status).name} ends the run" if ended.status < 0 else f"status {ended.status}"
        return f"{ends}, without a result of any test"
    if len(wrong) > 3:
        return ", ".join(f"{number} {was}" for was, number in Counter(was for _, was, _ in wrong).items())
    return ", ".join(f"`{name}` {was}, {right if right == UNASKED else f'not {right}'}" for name, was, right in wrong)


def quoted(output: str, names: Sequence[str] = ()) -> str:
    """The line of an output that says most: what the tests of these names died of, an error, else the last result."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    of_tests = [line.partition(" - ")[2] for line in lines if (found := LINE.match(line)) and found[2] in names]
    errors = [match["told"] for line in lines if (match := TELLING.search(line))]
    results = [line for line in lines if RESULT.search(line)]
    line = next(filter(None, (*of_tests, *errors, *results[-1:], *lines[-1:])), "").strip(" =")
    line = line.replace("|", "\\|").replace("`", "'")
    return line if len(line) <= CELL else line[: CELL - 1] + "…"
