"""What a scan shows: to people, to machines, to GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from .rules import RULES

if TYPE_CHECKING:
    from .records import FileResult, Finding, Totals

FORMATS = ("text", "json", "github")
SCHEMA_VERSION = 1


def shown(format: str, findings: Sequence[Finding], results: Mapping[str, FileResult], sums: Totals) -> Iterator[str]:  # noqa: A002  # the flag's name
    """The lines of one of the :data:`FORMATS`."""
    if format == "json":
        yield json.dumps(_as_json(findings, results, sums), indent=1)
    elif format == "github":
        yield from map(_annotation, findings)
    else:
        yield from _text(findings, sums)


def faults(results: Mapping[str, FileResult]) -> Iterator[str]:
    """A line for each file that can't be read."""
    for file, result in results.items():
        if result.fault:
            yield f"{file}: can't be read: {result.fault}"


def _text(findings: Sequence[Finding], sums: Totals) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.file}:{finding.line}:{finding.column}: {finding.rule}: {finding.message}{_tail(finding)}"
    found = dict.fromkeys(finding.rule for finding in findings)
    if found:
        yield ""
    for name in found:
        yield f"{name}: {RULES[name].why}"
        yield f"  {RULES[name].remedy}"
    if found:
        yield ""
    yield _summary(findings, sums)


def _tail(finding: Finding) -> str:
    """The chain, where it says more than the message, and the seconds."""
    chain = f": {' → '.join(finding.chain)}" if len(finding.chain) > 2 else ""
    return f"{chain} ({finding.seconds:.2f} s)" if finding.seconds is not None else chain


def _summary(findings: Sequence[Finding], sums: Totals) -> str:
    number = "no finding" if not findings else _counted(len(findings), "finding")
    files = f"{sums.heavy_files} of {_counted(sums.files, 'file')} heavy"
    tests = f"{sums.heavy_tests} of {_counted(sums.tests, 'test function')} heavy"
    return f"{number}; {files}, {tests}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _as_json(findings: Iterable[Finding], results: Mapping[str, FileResult], sums: Totals) -> dict[str, object]:
    return {
        "version": SCHEMA_VERSION,
        "totals": sums._asdict(),
        "findings": [
            {**finding._asdict(), "why": RULES[finding.rule].why, "remedy": RULES[finding.rule].remedy}
            for finding in findings
        ],
        "files": {
            file: {
                "is_heavy": result.is_heavy,
                "light_tests": result.light_tests,
                "heavy_tests": result.heavy_tests,
                "fault": result.fault,
            }
            for file, result in results.items()
        },
    }


def _annotation(finding: Finding) -> str:
    """A workflow command, as GitHub's documentation of them has it: what would end a value is written as %XX."""
    rule = RULES[finding.rule]
    file = _escaped(finding.file).replace(":", "%3A").replace(",", "%2C")
    text = f"{finding.message}{_tail(finding)}. {rule.why} {rule.remedy}"
    position = f"file={file},line={finding.line},col={finding.column}"
    return f"::warning {position},title=heavyimports {finding.rule}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
