"""The setting heavy_report: the section at the end."""

from __future__ import annotations

import re

import pytest

from ..suite import Suite, section, usage_errors

COST = r" +\d+\.\d\d s +[+-]\d+ MiB  "


def test_imports_are_told_with_cost_and_place(suite: Suite) -> None:
    """The section has a line for each heavy module: seconds, memory, and who asked first."""
    suite.declare("slow = sluggish", "counted")
    suite.tests("def test_one(slow): pass\ndef test_two(slow, counted): pass\ndef test_three(counted): pass\n")
    lines = section(suite.run())
    assert len(lines) == 2
    assert re.fullmatch(rf"sluggish{COST}first: test_it\.py::test_one \(setup of fixture 'slow'\)", lines[0])
    assert re.fullmatch(rf"counted {COST}first: test_it\.py::test_two \(setup of fixture 'counted'\)", lines[1])
    seconds = re.search(r"(\d+\.\d\d) s", lines[0])
    assert seconds
    assert float(seconds[1]) >= 0.3


def test_import_statements_are_told_with_their_file(suite: Suite) -> None:
    """What a test file imports at its top is told as the collection of that file."""
    suite.declare("counted")
    suite.tests("def test_it(): pass\n", "test_a.py")
    suite.tests("import counted\n\ndef test_it(): pass\n", "test_b.py")
    (line,) = section(suite.run())
    assert re.fullmatch(r"counted +first: test_b\.py \(collection\)", line)


def test_failures_are_told(suite: Suite) -> None:
    """A module that broke is told once, with its error."""
    suite.declare("halfway")
    suite.tests("def test_one(halfway): pass\ndef test_two(halfway): pass\n")
    (line,) = section(suite.run())
    assert line.startswith("halfway")
    assert "first: test_it.py::test_one (setup of fixture 'halfway'); failed: OSError" in line


def test_nothing_heavy_no_section(suite: Suite) -> None:
    """A run that imports nothing heavy has the output that it always had."""
    suite.declare("counted", "ghost")
    suite.tests("def test_it(): pass\ndef test_missing(ghost): pass\n")
    result = suite.run()
    assert section(result) == []
    assert "heavy imports" not in result.stdout.str()


def test_off_silences_it(suite: Suite) -> None:
    """With ``heavy_report = off`` there is no section."""
    suite.declare("counted", heavy_report="off")
    suite.tests("def test_it(counted): pass\n")
    result = suite.run()
    result.assert_outcomes(passed=1)
    assert "heavy imports" not in result.stdout.str()


def test_on_is_the_default(suite: Suite) -> None:
    """``heavy_report = on`` says what is so anyway."""
    suite.declare("counted", heavy_report="on")
    suite.tests("def test_it(counted): pass\n")
    assert len(section(suite.run())) == 1


@pytest.mark.parametrize("value", ["loud", "5"])
def test_another_value_is_refused(suite: Suite, value: str) -> None:
    """A value that is none is a usage error."""
    suite.declare(heavy_report=value)
    assert usage_errors(suite.run_inside()) == [f"heavy_report: {value!r} is none of on, off (pytest.ini, [pytest])."]
