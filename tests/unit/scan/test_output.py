"""What a scan shows."""

from __future__ import annotations

import json

from pytest_heavyimports.scan.output import faults, shown
from pytest_heavyimports.scan.records import FileResult, Finding, Totals
from pytest_heavyimports.scan.rules import RULES

CHAIN = ("test_a.py", "app.worker", "torch")
FINDINGS = [
    Finding("function-import", "test_a.py", 3, 5, "'app.worker' is imported in test test_it", CHAIN, 1.234),
    Finding("heavy-conftest", "conftest.py", 1, 1, "'torch' is imported", CHAIN[::2]),
    Finding("function-import", "test_b.py", 2, 5, "'torch' is imported in test test_it", CHAIN[::2]),
]
SUMS = Totals(files=2, heavy_files=1, tests=1, heavy_tests=0)


def test_text() -> None:
    """A line for each finding, with the chain where it says more, and the seconds; each rule once; the sums."""
    why, remedy = RULES["function-import"].why, RULES["function-import"].remedy
    assert list(shown("text", FINDINGS, {}, SUMS)) == [
        "test_a.py:3:5: function-import: 'app.worker' is imported in test test_it: "
        "test_a.py → app.worker → torch (1.23 s)",
        "conftest.py:1:1: heavy-conftest: 'torch' is imported",
        "test_b.py:2:5: function-import: 'torch' is imported in test test_it",
        "",
        f"function-import: {why}",
        f"  {remedy}",
        f"heavy-conftest: {RULES['heavy-conftest'].why}",
        f"  {RULES['heavy-conftest'].remedy}",
        "",
        "3 findings; 1 of 2 files heavy, 0 of 1 test function heavy",
    ]


def test_nothing_found() -> None:
    """The sums alone."""
    assert list(shown("text", [], {}, SUMS)) == ["no finding; 1 of 2 files heavy, 0 of 1 test function heavy"]


def test_annotations_are_escaped() -> None:
    """What would end a value, or the line."""
    [line] = shown("github", [Finding("function-import", "a,b:c.py", 3, 5, "50 %\nmore")], {}, SUMS)
    assert line.startswith(
        "::warning file=a%2Cb%3Ac.py,line=3,col=5,title=heavyimports function-import::50 %25%0Amore. "
    )
    assert "\n" not in line


def test_json() -> None:
    """Findings with reason and remedy, and each file."""
    results = {"test_a.py": FileResult(tuple(FINDINGS[:1]), is_heavy=True, light_tests=1, heavy_tests=2)}
    told = json.loads("\n".join(shown("json", FINDINGS[:1], results, SUMS)))
    assert told["totals"] == SUMS._asdict()
    [finding] = told["findings"]
    assert (finding["chain"], finding["seconds"]) == (list(CHAIN), 1.234)
    assert finding["why"] == RULES["function-import"].why
    assert told["files"] == {"test_a.py": {"is_heavy": True, "light_tests": 1, "heavy_tests": 2, "fault": ""}}


def test_faults() -> None:
    """Of those that have one."""
    assert list(faults({"a.py": FileResult(fault="invalid syntax"), "b.py": FileResult()})) == [
        "a.py: can't be read: invalid syntax"
    ]
