"""``heavyimports run --verify``: whether a warm run of a suite comes to what a plain one comes to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CommandRefused
from ..process.interpreter import interpreter_flags
from .commands import facts_of_all
from .connection import PLAIN, command_line
from .left import State, Tree, differences

RECORDING = "pytest_heavyimports.warm.recording"
REMEDY = (
    "Tests that differ: @pytest.mark.heavy_isolated(method='spawn') gives a test an interpreter that is not warm; "
    "'pytest' runs all of them so."
)
WRONG_USAGE = 4
"""The exit status of pytest."""
_SHOWN_FILES = 5
_KINDS = {"outcome": "", "message": "message ", "captured": "captured "}
"""What is compared of a test, and how the line of a difference begins."""

Tests = Mapping[str, Mapping[str, Any]]


class Done(NamedTuple):
    """A run that has ended."""

    tests: Tests
    """By node id: ``outcome``, ``message``, ``captured``, ``touched``."""
    files: State
    status: int
    why_plain: str
    """Why it was not warm; empty where it was, or was not meant to be."""


def verify(arguments: Sequence[str]) -> int:
    """
    Run pytest with these arguments twice plainly and twice warm, and tell where the last warm run differs.

    The second plain run shows what is another one each time, which is not compared. The first warm run is there to
    learn what it imports.

    Returns:
        0 where they are alike, 1 where they differ.

    Raises:
        CommandRefused: There is nothing to be compared.
    """
    tree = Tree(os.getcwd())
    with tempfile.TemporaryDirectory(prefix="heavy-verify-") as place:
        record = Path(place, "record.json")
        more = ["-p", RECORDING, f"--heavy-record={record}", *arguments]
        plain, again = _run(_plain(more), record, tree), _run(_plain(more), record, tree)
        _run(_warm(more), record, tree)
        packages = set(_preloaded())
        warm = _run(_warm(more), record, tree)
    files, unstable = differences(plain.files, again.files, warm.files)
    lines = [*_of_tests(plain.tests, again.tests, warm.tests, packages), *_of_files(files)]
    if again.status != warm.status and plain.status == again.status:
        lines.append(f"exit status: plain {again.status}, warm {warm.status}")
    tests = f"{len(warm.tests)} test{'s' * (len(warm.tests) != 1)}"
    print(f"heavyimports run --verify: {tests}, {'different' if lines else 'alike'}")
    print("\n".join(lines), end="\n" if lines else "")
    if unstable:
        more_files = f" and {len(unstable) - _SHOWN_FILES} more" if len(unstable) > _SHOWN_FILES else ""
        print(f"not compared, as two plain runs differ: {', '.join(unstable[:_SHOWN_FILES])}{more_files}")
    if warm.why_plain:
        print(f"the warm run was a plain one: {warm.why_plain}")
    if lines:
        print(REMEDY)
    return int(bool(lines))


def _preloaded() -> Iterator[str]:
    """The packages that warm processes have, when they have imported what the last run had to import."""
    with suppress(CommandRefused):  # there is none, and can be none
        for facts in facts_of_all():
            yield from (os.fsdecode(part).partition(" ")[0] for part in facts.parts("modules"))


def _of_tests(plain: Tests, again: Tests, warm: Tests, packages: set[str]) -> Iterator[str]:
    nothing: Mapping[str, Any] = {"outcome": "not run", "message": "", "captured": [], "touched": []}
    for nodeid in dict.fromkeys([*again, *warm]):
        first, second, third = (tests.get(nodeid, nothing) for tests in (plain, again, warm))
        for what, begin in _KINDS.items():
            if first[what] == second[what] != third[what]:
                yield f"{nodeid}: {begin}plain {_words(second[what])}, warm {_words(third[what])}"
                if what == "outcome" and third["message"] != second["message"]:
                    yield f"  {third['message'].strip().splitlines()[0] if third['message'].strip() else 'no message'}"
                touched = sorted(packages.intersection(third["touched"]))
                yield f"  touches, of what is preloaded: {', '.join(touched) or 'nothing that is seen'}"
                break


def _of_files(files: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    for file, (plain, warm) in sorted(files.items()):
        yield f"{file}: plain {plain}, warm {warm}"


def _words(value: Any) -> str:
    return (", ".join(value) if isinstance(value, list) else str(value)) or "nothing"


def _plain(arguments: Sequence[str]) -> list[str]:
    script, *rest = command_line(arguments)
    return [script, *rest] if os.path.exists(script) else ["-m", "pytest", *rest]


def _warm(arguments: Sequence[str]) -> list[str]:
    return ["-m", "pytest_heavyimports", "run", *arguments]


def _run(command: Sequence[str], record: Path, tree: Tree) -> Done:
    record.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, *interpreter_flags(), *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if not record.exists() or done.returncode == WRONG_USAGE:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CommandRefused(f"pytest has run no tests, exit status {done.returncode}: {' '.join(last)}")
    recorded = json.loads(record.read_text(encoding="utf-8"))
    reasons = [line.partition(PLAIN)[2] for line in done.stderr.splitlines() if PLAIN in line]
    return Done(recorded["tests"], tree.written(), done.returncode, " ".join(reasons))
