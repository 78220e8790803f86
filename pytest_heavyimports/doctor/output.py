"""The diagnosis as text, at most one screen unless more is asked for, and for machines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..process.ending import end_in_words
from .diagnosis import count, seconds

if TYPE_CHECKING:
    from .records import Break, Diagnosis, Remedy, SeenRun, Slow

VERSION = 1
"""Of the JSON; raised where somebody who reads an older one would misunderstand."""
SCREEN = 24
WIDTH = 80
KINDS = {
    "again": "executed a second time in this process",
    "reload": "reloaded",
    "fake": "a fake of it is left in sys.modules",
    "left": "left missing from sys.modules, to be executed again",
}
WRITE = "heavyimports doctor --write"


class Limits(NamedTuple):
    """How much of each part is shown."""

    breaks: int
    remedy_lines: int
    slow: int
    remedies: int
    useless: int
    context: int
    """Lines around each change of the configuration."""
    diff: int = 100


EVERYTHING = Limits(1000, 100, 1000, 1000, 1000, 3, 1000)
SHORTER = (
    Limits(3, 3, 4, 3, 2, 3),
    Limits(2, 3, 4, 3, 2, 1),
    Limits(2, 3, 3, 2, 1, 0),
    Limits(2, 2, 3, 1, 1, 0, 8),
    Limits(1, 2, 3, 1, 1, 0, 8),
    Limits(1, 2, 2, 1, 0, 0, 7),
    Limits(1, 1, 1, 1, 0, 0, 6),
)


class Configuration(NamedTuple):
    """What is to be written, in three lengths; all are empty where there is nothing to write."""

    title: str
    diffs: tuple[tuple[str, ...], ...]
    """By the number of lines around each change: 0 to 3."""

    def lines(self, context: int) -> Sequence[str]:
        """The diff, or what stands in for it."""
        return self.diffs[min(context, len(self.diffs) - 1)] if self.diffs else ()


def text(diagnosis: Diagnosis, configuration: Configuration, *, is_verbose: bool) -> list[str]:
    """The lines for a terminal; all there is where *is_verbose*, and at most :data:`SCREEN` otherwise."""
    if is_verbose:
        return list(_lines(diagnosis, configuration, EVERYTHING, None))
    lines: list[str] = []
    for limits in SHORTER:
        lines = list(_lines(diagnosis, configuration, limits, WIDTH))
        if len(lines) <= SCREEN:
            break
    return lines


def headline(run: SeenRun, imports_us: int) -> Iterator[str]:
    """How the run went."""
    took = f"heavyimports doctor: {count(len(run.items), 'test')} in {run.wall_s:.1f} s"
    if run.is_complete:
        yield f"{took}; imports {seconds(imports_us)}, start of pytest {run.startup_s or 0:.2f} s"
    else:
        yield f"heavyimports doctor: {end_in_words(run.status)}"
        yield "What was seen until then:"
    failed, errors = run.outcomes.get("failed", 0), run.outcomes.get("error", 0)
    told = [f"{count(failed, 'test')} failed"] if failed else []
    told += [f"{count(errors, 'test')} with errors"] if errors else []
    told += [f"{count(len(run.faults), 'file')} could not be collected"] if run.faults else []
    if told:
        yield f"{', '.join(told)}: see above"


def _lines(diagnosis: Diagnosis, configuration: Configuration, limits: Limits, width: int | None) -> Iterator[str]:
    yield from headline(diagnosis.run, diagnosis.imports_us)
    breaks, slow, remedies = diagnosis.breaks, diagnosis.slow, diagnosis.remedies
    if breaks:
        yield _title("BREAKS", limits.breaks, len(breaks))
        for each in breaks[: limits.breaks]:
            yield from _break(each, limits.remedy_lines, width)
    if slow:
        yield _title("SLOW", limits.slow, len(slow))
        yield from _table(slow[: limits.slow], len(diagnosis.run.items), width)
    if remedies:
        yield _title("HELPS", limits.remedies, len(remedies))
        for remedy in remedies[: limits.remedies]:
            yield from _remedy(remedy, width)
    for useless in diagnosis.useless[: limits.useless]:
        yield _cut(f"DOESN'T HELP  {useless.what}: {useless.why}", width)
    if not breaks and not slow and diagnosis.run.is_complete:
        yield "Nothing breaks, and nothing is slow."
    lines = configuration.lines(limits.context)
    if configuration.title:
        yield configuration.title
        yield from lines[: limits.diff]
        if len(lines) > limits.diff:
            yield f"({len(lines) - limits.diff} more lines: -v)"


def _title(word: str, shown: int, number: int) -> str:
    return word if number <= shown else f"{word}  ({shown} of {number}; -v shows all)"


def _break(each: Break, remedy_lines: int, width: int | None) -> Iterator[str]:
    times = f", {each.times} times" if each.times > 1 else ""
    yield _cut(f"  {', '.join(each.modules)}: {KINDS[each.kind]}{times}", width)
    # The statement says more than the name of the test.
    who = each.who if width is None or not each.how else each.who.partition(", in ")[0]
    yield _cut(f"    by {who}{f': {each.how}' if each.how else ''}", width)
    if width is None:
        yield from (f"    again: {place}" for place in each.again)
    yield from _wrapped(each.remedy, remedy_lines, width)


def _wrapped(remedy: str, number: int, width: int | None) -> list[str]:
    if width is None:
        return [f"    {line}" for line in remedy.splitlines()]
    if not remedy:
        return []
    return textwrap.wrap(
        " ".join(remedy.split()),
        width,
        initial_indent="    ",
        subsequent_indent="    ",
        max_lines=number,
        placeholder=" ...",
        break_on_hyphens=False,
    )


def _table(slow: Sequence[Slow], tests: int, width: int | None) -> Iterator[str]:
    names = max(len(each.name) for each in slow)
    counts = [f"{each.tests} of {count(tests, 'test')}" for each in slow]
    widest = max(map(len, counts))
    for each, needed in zip(slow, counts):
        processes = f", in {each.processes} processes" if each.processes > 1 else ""
        yield _cut(f"{seconds(each.us):>9}  {each.name:<{names}}  {needed:>{widest}}  {each.first}{processes}", width)


def _remedy(remedy: Remedy, width: int | None) -> Iterator[str]:
    yield _cut(f"{seconds(remedy.saves_us):>9}  {remedy.what}", width)
    yield _cut(f"{'':>9}  {remedy.why}", width)


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else f"{line[: width - 3]}..."


def document(diagnosis: Diagnosis, *, file: str, diff: Sequence[str], fault: str) -> dict[str, Any]:
    """
    The same for machines: texts, numbers, lists and dicts alone.

    Args:
        diagnosis: What was found.
        file: The configuration file that is to be changed; empty where there is nothing to change.
        diff: How.
        fault: Why there is no diff; empty where there is one.
    """
    run = diagnosis.run
    return {
        "version": VERSION,
        "exit_status": run.status,
        "is_complete": run.is_complete,
        "tests": len(run.items),
        "outcomes": dict(run.outcomes),
        "not_collected": list(run.faults),
        "wall_s": round(run.wall_s, 3),
        "startup_s": run.startup_s,
        "imports_us": diagnosis.imports_us,
        "breaks": [each._asdict() for each in diagnosis.breaks],
        "slow": [each._asdict() for each in diagnosis.slow],
        "remedies": [each._asdict() for each in diagnosis.remedies],
        "useless": [each._asdict() for each in diagnosis.useless],
        "configuration": {"file": file, "diff": list(diff), "fault": fault},
    }
