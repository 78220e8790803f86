"""What a scan has found before: a file to be committed, so that later scans report what is new."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import CommandRefused

if TYPE_CHECKING:
    from .records import Finding

VERSION = 1
Key = tuple[str, str, str, str]
"""Rule, file, the functions and classes around it, and the statement: what stays when lines move."""


class Compared(NamedTuple):
    """A scan beside a baseline."""

    new: list[Finding]
    known: int
    gone: int
    """How many findings of the baseline, in files that were scanned, are no longer there."""


def write(file: Path, findings: Iterable[Finding]) -> None:
    """
    Write a new baseline.

    Raises:
        CommandRefused: It can't be written.
    """
    counts = Counter(map(_key, findings))
    entries = [dict(zip(("rule", "file", "scope", "statement"), key), count=counts[key]) for key in sorted(counts)]
    text = json.dumps({"version": VERSION, "findings": entries}, indent=1, ensure_ascii=False)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(f"{text}\n")
    except OSError as error:
        raise CommandRefused(f"{str(file)!r} can't be written: {error.strerror}") from error


def read(file: Path) -> Counter[Key]:
    """
    What a baseline has, and how often.

    Raises:
        CommandRefused: It can't be read, or is none.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["version"] != VERSION:
            raise ValueError(f"it has version {found['version']!r}, and {VERSION} is needed")
        counts: Counter[Key] = Counter()
        for each in found["findings"]:
            rule, name, scope, statement, count = (
                each[field] for field in ("rule", "file", "scope", "statement", "count")
            )
            if not isinstance(count, int) or not all(isinstance(part, str) for part in (rule, name, scope, statement)):
                raise TypeError(f"{each!r} is not a finding")
            counts[rule, name, scope, statement] += count
    except KeyError as error:
        raise _damaged(file, f"{error.args[0]!r} is missing") from error
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(file, str(error)) from error
    return counts


def compare(findings: Iterable[Finding], known: Counter[Key], scanned: Collection[str]) -> Compared:
    """What is new; of several alike those that come last."""
    left = Counter({key: count for key, count in known.items() if key[1] in scanned})
    before = left.total()
    new = []
    for finding in findings:
        if left[_key(finding)] > 0:
            left[_key(finding)] -= 1
        else:
            new.append(finding)
    return Compared(new, before - left.total(), left.total())


def _key(finding: Finding) -> Key:
    return finding.rule, finding.file, finding.scope, finding.statement


def _damaged(file: Path, fault: str) -> CommandRefused:
    remedy = "Get it back from version control, or delete it to write a new one."
    return CommandRefused(f"{str(file)!r} is not a baseline that can be read: {fault}", remedy=remedy)
