"""The setting heavy_missing."""

from __future__ import annotations

import pytest

from ..support.suite import Suite, usage_errors

TESTS = """
def test_alias(ghost): pass
def test_call(heavy_module): heavy_module("ghost")
def test_too_old(counted): pass
"""
DECLARED = ("ghost >= 2", "counted >= 9")
REASONS = [
    "could not import 'ghost': No module named 'ghost'; "
    "declared as 'ghost >= 2' (pytest.ini, [pytest], line 1 of heavy_modules)",
    "'counted' is version 1.5, and '>= 9' is needed; "
    "declared as 'counted >= 9' (pytest.ini, [pytest], line 2 of heavy_modules)",
]


def test_by_default_the_test_is_skipped(suite: Suite) -> None:
    """A missing or too old module skips with a reason that names the declaration."""
    suite.declare(*DECLARED)
    suite.tests(TESTS)
    result = suite.run("-rs")
    result.assert_outcomes(skipped=3)
    text = result.stdout.str()
    assert [text.count(reason) for reason in REASONS] == [2, 1]


def test_a_skip_is_told_at_the_test(suite: Suite) -> None:
    """The reason stands at the user's own file, not at one of ours."""
    suite.declare(*DECLARED)
    suite.tests(TESTS)
    result = suite.run("-rs")
    told = [line for line in result.outlines if line.startswith("SKIPPED")]
    assert told
    assert all(" test_it.py:" in line for line in told), told


@pytest.mark.parametrize("by", ["flag", "ini"])
def test_fail_makes_it_a_failure(suite: Suite, by: str) -> None:
    """With ``heavy_missing = fail``, by flag or file, nothing is skipped, and there is no traceback of ours."""
    suite.declare(*DECLARED, **({"heavy_missing": "fail"} if by == "ini" else {}))
    suite.tests(TESTS)
    result = suite.run(*(["--heavy-missing=fail"] if by == "flag" else []))
    assert result.parseoutcomes().keys() <= {"failed", "errors", "error"}
    assert sum(result.parseoutcomes().values()) == 3
    text = result.stdout.str()
    assert all(reason in text for reason in REASONS)
    assert "registry.py" not in text


def test_the_flag_goes_before_the_file(suite: Suite) -> None:
    """A flag on the command line lifts what the file says."""
    suite.declare(*DECLARED, heavy_missing="fail")
    suite.tests(TESTS)
    suite.run("--heavy-missing=skip").assert_outcomes(skipped=3)


@pytest.mark.parametrize("mode", ["skip", "fail"])
def test_a_broken_module_is_an_error_in_both_modes(suite: Suite, mode: str) -> None:
    """A module that is there but breaks, or needs one that is missing, is never a skip."""
    suite.declare("halfway", "needy")
    suite.tests("def test_one(halfway): pass\ndef test_two(needy): pass\n")
    suite.run(f"--heavy-missing={mode}").assert_outcomes(errors=2)


def test_another_value_is_refused(suite: Suite) -> None:
    """A flag with another value is a usage error that names the possible ones."""
    assert any("'maybe'" in line and "skip" in line for line in usage_errors(suite.run_inside("--heavy-missing=maybe")))


def test_every_test_that_asks_is_skipped(suite: Suite) -> None:
    """A module that isn't there skips each of its tests with the same reason."""
    suite.declare("ghost")
    suite.tests("import pytest\n\n@pytest.mark.parametrize('n', range(3))\ndef test_it(ghost, n): pass\n")
    result = suite.run("-rs")
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["SKIPPED [[]3[]] *could not import 'ghost': No module named 'ghost'; declared as *"])
