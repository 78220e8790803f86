"""The sub-commands ``scan``, ``fix`` and ``split``: arguments, what is shown, exit status."""

from __future__ import annotations

# Imports in functions: arguments are read first; grimp and libcst take some tenths of a second.
import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CommandRefused
from .project import read_project

if TYPE_CHECKING:
    from ..config.changes import Change
    from .run import Scan

NEEDED = ("grimp", "libcst", "tomlkit")
MANY = 500
"""Files to look at, from which on a terminal is told how far it is."""


def scan(arguments: Sequence[str]) -> int:
    """Show what is found; 1 if that is anything."""
    parser = _parser("scan", "Find what makes test files heavy, and what breaks heavy modules.")
    parser.add_argument("--format", choices=("text", "json", "github"), default="text", help="how to show it")
    parser.add_argument("--report", type=Path, metavar="JSON", help="a file of --heavy-report, that tells the seconds")
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="report only what this file doesn't have; where it isn't there, it is written, with all that is found",
    )
    given = parser.parse_args(arguments)
    scanned = _begin(given)

    from . import baseline, output
    from .run import totals, with_seconds

    results = scanned.results(_progress)
    found = (finding for result in results.values() for finding in result.findings)
    findings = list(with_seconds(found, _seconds(given.report)))
    _tell([*scanned.code.faults, *output.faults(results)])
    if given.baseline and os.path.lexists(given.baseline):
        findings, known, gone = baseline.compare(findings, baseline.read(given.baseline), results)
        _tell(
            [
                f"{given.baseline}: {known} known"
                + f", {gone} no longer there: delete it to write a new one" * (gone > 0)
            ]
        )
    elif given.baseline:
        baseline.write(given.baseline, findings)
        _tell([f"{given.baseline}: written, {len(findings)} known from now on"])
        findings = []
    _show(output.shown(given.format, findings, results, totals(results)))
    return int(bool(findings))


def fix(arguments: Sequence[str]) -> int:
    """Show the changes, or make them; 1 if there are any."""
    parser = _parser("fix", "Move imports of heavy modules out of test functions.")
    parser.add_argument(
        "--to",
        choices=("module", "fixture", "lazy"),
        default="module",
        help="where to: the top of the file, fixtures, or lazy imports at the top, for Python 3.15 (default: module)",
    )
    parser.add_argument("--write", action="store_true", help="change the files")
    given = parser.parse_args(arguments)
    scanned = _begin(given)

    from .fix import fixes

    return _change(given, scanned, *fixes(scanned, given.to))


def split(arguments: Sequence[str]) -> int:
    """Show how files would be parted, or do it; 1 if any would."""
    parser = _parser("split", "Part files of which only some tests are heavy into a light and a heavy one.")
    parser.add_argument("--write", action="store_true", help="change the files, and make new ones")
    given = parser.parse_args(arguments)
    scanned = _begin(given)

    from .split import splits

    return _change(given, scanned, *splits(scanned))


def _parser(name: str, what: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"heavyimports {name}", description=what)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders (default: those of pytest)")
    parser.add_argument(
        "--module",
        action="append",
        default=[],
        metavar="NAME",
        help="what is heavy, in place of heavy_modules in the configuration (repeatable)",
    )
    return parser


def _begin(given: argparse.Namespace) -> Scan:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise CommandRefused(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            remedy="Type pip install 'pytest-heavyimports[scan]'.",
        )
    project = read_project(given.paths, given.module)
    from .run import Scan

    return Scan(project)


def _seconds(report: Path | None) -> Mapping[str, float]:
    """What the loading of each module took, with all that it imported, by the report of a run."""
    if report is None:
        return {}
    try:
        tree = json.loads(report.read_bytes())["tree"]
        return {each["fullname"]: each["cumulative_us"] / each["loads"] / 1e6 for each in reversed(tree)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandRefused(f"{str(report)!r} is no report of --heavy-report: {error}") from error


def _change(given: argparse.Namespace, scanned: Scan, changes: Sequence[Change], left_alone: Sequence[str]) -> int:
    from ..config.changes import diff, write_all
    from .output import faults

    _show(line for change in changes for line in diff(change))
    _tell([*faults(scanned.unread), *left_alone])
    if given.write:
        write_all(changes)
    return int(bool(changes))


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def _progress(done: int, total: int) -> None:
    if total >= MANY and sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{done} of {total} files", end=end, file=sys.stderr, flush=True)
