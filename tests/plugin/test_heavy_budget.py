"""The setting heavy_budget: what imports may cost."""

from __future__ import annotations

import re

import pytest

from ..support.suite import Suite, section, usage_errors


@pytest.fixture
def slow(suite: Suite) -> Suite:
    """A suite that imports ``sluggish``, which takes 0.3 s."""
    suite.tests("def test_one(slow): pass\n")
    return suite


def test_over_budget_the_run_fails_and_says_why(slow: Suite) -> None:
    """Exit status 1, the biggest parts, and what they were in the last run, which pytest's cache has."""
    slow.declare("slow = sluggish", heavy_budget="sluggish < 100 ms")
    head = r"over budget: sluggish < 100 ms: it took 0\.\d\d s \(pytest\.ini, \[pytest\], line 1 of heavy_budget\)"
    for last in ("", r"  last time 0\.\d\d s"):
        result = slow.run(has_cache=True)
        result.assert_outcomes(passed=1)
        assert result.ret == 1
        _, over, part, _ = section(result)
        assert re.fullmatch(head, over)
        assert re.fullmatch(rf"  sluggish itself     0\.\d\d s{last}", part)


@pytest.mark.parametrize("budget", ["sluggish < 100 s", "total < 100 s", "sluggish < 10 GiB", "torch < 1 ms"])
def test_within_budget_nothing_is_told(slow: Suite, budget: str) -> None:
    """The run ends as it would have."""
    slow.declare("slow = sluggish", heavy_budget=budget)
    result = slow.run()
    assert result.ret == 0
    assert len(section(result)) == 1


def test_an_import_statement_counts_too(suite: Suite) -> None:
    """It need not be declared, and the guard may be off."""
    suite.declare(heavy_budget="sluggish < 1 ms")
    suite.tests("import sluggish\n\ndef test_one(): pass\n")
    assert suite.run().ret == 1


@pytest.mark.parametrize("how", [("-o", "heavy_report=off"), ("--no-summary",), ("-qq",), ("-q",)])
def test_it_is_told_whatever_else_is_silent(slow: Suite, how: tuple[str, ...]) -> None:
    """A run doesn't fail without a word."""
    slow.declare("slow = sluggish", heavy_budget="total < 1 ms")
    result = slow.run(*how)
    assert result.ret == 1
    assert len([line for line in result.outlines if line.startswith("over budget: total < 1 ms")]) == 1


def test_failed_tests_keep_their_exit_status(suite: Suite) -> None:
    """An interrupted run is one, over budget or not."""
    suite.declare("slow = sluggish", heavy_budget="total < 1 ms")
    suite.tests("def test_one(slow): raise KeyboardInterrupt\n")
    assert suite.run().ret == pytest.ExitCode.INTERRUPTED


def test_each_process_has_the_budget_to_itself(suite: Suite) -> None:
    """The worker that took most is named."""
    suite.declare("slow = sluggish", heavy_budget="total < 100 ms")
    suite.tests("import pytest\n\n@pytest.mark.parametrize('n', range(4))\ndef test_one(slow, n): pass\n")
    result = suite.run("-p", "xdist", "-n", "2")
    assert result.ret == 1
    assert re.search(r"over budget: total < 100 ms: it took \d\.\d\d s in gw[01] \(", result.stdout.str())


def test_a_line_that_cannot_be_read_is_a_usage_error(suite: Suite) -> None:
    """With its line, beside the faults of other keys."""
    suite.declare("torch >> 2", heavy_budget="torch = 3 s")
    assert usage_errors(suite.run()) == [
        "heavy_modules: 'torch >> 2' can't be read: '>> 2' is no version specifier "
        "(pytest.ini, [pytest], line 1 of heavy_modules). Write it as 'torch >= 2'.",
        "heavy_budget: 'torch = 3 s' can't be read (pytest.ini, [pytest], line 1 of heavy_budget). "
        "Write it as 'torch < 3 s'.",
    ]


MISTYPED = (
    "heavy_budget: there is no module 'slugish' (pytest.ini, [pytest], line 1 of heavy_budget). "
    "Did you mean 'sluggish'?"
)


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")])
def test_a_mistyped_name_is_warned_of(slow: Suite, workers: tuple[str, ...]) -> None:
    """Once, and the run goes on."""
    slow.declare("slow = sluggish", heavy_budget="slugish < 3 s")
    result = slow.run(*workers)
    result.assert_outcomes(passed=1, warnings=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"*HeavyImportWarning: {MISTYPED}".replace("[", "[[]")])


def test_a_mistyped_name_is_a_usage_error_where_warnings_are_errors(slow: Suite) -> None:
    """And no internal error."""
    slow.declare("slow = sluggish", heavy_budget="slugish < 3 s")
    assert usage_errors(slow.run("-W", "error")) == [MISTYPED]


def _unchecked(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("not checked: ")]


SOURCE = "(pytest.ini, [pytest], line 1 of heavy_budget)"


@pytest.mark.parametrize("budget", ["sluggish < 1 ms", "total < 1 ms", "sluggish < 1 GiB"])
@pytest.mark.parametrize("how", ["", "-q", "--no-summary"])
def test_a_module_that_was_there_before(suite: Suite, budget: str, how: str) -> None:
    """Its budget can't be checked, and the run says so once; it doesn't fail."""
    suite.declare("slow = sluggish", heavy_budget=budget)
    suite.write("early.py", "import sluggish\n")
    suite.tests("def test_one(slow): pass\n")
    result = suite.run("-p", "early", *how.split(), path=(suite.path,), PYTEST_PLUGINS="early")
    assert _unchecked(result) == [
        f"not checked: {budget}: 'sluggish' was not measured, first: plugin early {SOURCE}",
    ]
    assert result.ret == 0


def test_an_undeclared_module_that_was_there_before(suite: Suite) -> None:
    """One budget that can be checked is over all the same."""
    suite.write("pytest.ini", "[pytest]\nheavy_budget =\n    sluggish < 1 s\n    counted < 0 ms\n")
    suite.tests("import sluggish, counted\n\ndef test_one(): pass\n")
    (suite.path / "early.py").write_text("import sluggish\n")
    result = suite.run("-p", "early", path=(suite.path,), PYTEST_PLUGINS="early")
    assert len(_unchecked(result)) == 1 and "'sluggish' was not measured" in _unchecked(result)[0]
    assert result.ret == 1


def test_an_import_in_an_isolated_test(suite: Suite) -> None:
    """Its process is measured by nobody."""
    suite.declare("slow = sluggish", heavy_budget="sluggish < 1 ms")
    suite.tests("import pytest\n\n@pytest.mark.heavy_isolated\ndef test_one(slow): pass\n")
    (line,) = _unchecked(suite.run())
    assert "'sluggish' was not measured" in line
