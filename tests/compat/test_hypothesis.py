"""Beside the pytest plugin of hypothesis, which runs a test many times, each time within a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .others import needs

if TYPE_CHECKING:
    from ..support.guarded import Guarded
    from ..support.suite import Suite

pytestmark = needs("hypothesis")
HYPOTHESIS = ("-p", "_hypothesis_pytestplugin", "-W", "error")
SLUGGISH = "import time\n\nfrom executions import record\n\nrecord(__name__)\ntime.sleep(0.3)\nanswer = 42\n"


@pytest.mark.parametrize("how", [(), ("--heavy-defer",), ("--heavy-isolate",)])
def test_the_import_is_no_part_of_an_example(guarded: Guarded, how: tuple[str, ...]) -> None:
    """A fixture's import, put off or not, is done before the first example, whose deadline is 200 ms."""
    guarded.installed.add("sluggard", "1.0", {"sluggard.py": SLUGGISH})
    guarded.suite.declare("sluggard")
    guarded.suite.tests(
        """
        from hypothesis import given, strategies as st

        @given(number=st.integers())
        def test_it(sluggard, number):
            assert sluggard.answer == 42
        """
    )
    guarded.run("error", *HYPOTHESIS, *how).assert_outcomes(passed=1)
    assert guarded.suite.executions() == {"sluggard": 1}


def test_the_mark_has_it_imported_before_the_examples(guarded: Guarded) -> None:
    """A module that the code under test has put off would be loaded by the first example."""
    guarded.installed.add("sluggard", "1.0", {"sluggard.py": SLUGGISH})
    guarded.suite.declare("sluggard")
    guarded.suite.tests(
        """
        import pytest
        import sluggard
        from hypothesis import given, strategies as st

        @pytest.mark.heavy("sluggard")
        @given(number=st.integers())
        def test_it(number):
            assert sluggard.answer == 42
        """
    )
    guarded.run("error", *HYPOTHESIS, "--heavy-defer").assert_outcomes(passed=1)


@pytest.mark.parametrize("how", [(), ("--heavy-isolate",)])
def test_failures_and_statistics(suite: Suite, how: tuple[str, ...]) -> None:
    """The smallest failing example, the way to get it again and the statistics are told as ever."""
    suite.tests(
        """
        from hypothesis import given, settings, strategies as st

        @settings(derandomize=True, print_blob=True)
        @given(number=st.integers())
        def test_it(number):
            assert number < 10
        """
    )
    result = suite.run(*HYPOTHESIS, "--hypothesis-show-statistics", *how)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*: test_it(", "E *number=10,", "*@reproduce_failure(*"])
    result.stdout.fnmatch_lines(["*Hypothesis Statistics*", "*test_it.py::test_it:*", "*2 failing*"])


def test_a_refusal_in_an_example(guarded: Guarded) -> None:
    """It is the failure, once: the second attempt, which hypothesis makes to be sure, is refused in the same words."""
    guarded.suite.tests(
        """
        import importlib

        from hypothesis import given, strategies as st

        @given(number=st.integers())
        def test_it(plainpkg, number):
            importlib.reload(plainpkg)
        """
    )
    result = guarded.run("error", *HYPOTHESIS)
    result.assert_outcomes(failed=1)
    assert "Flaky" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*ReloadRefused: 'plainpkg'*"])


def test_a_stand_in_of_the_run(guarded: Guarded) -> None:
    """All examples of a test see one stand-in."""
    guarded.suite.tests(
        """
        import plainpkg
        from hypothesis import given, settings, strategies as st

        examples = []

        @settings(max_examples=20, database=None)
        @given(number=st.integers())
        def test_a(number):
            plainpkg.work(number)
            examples.append(number)
            assert plainpkg.work.call_count == len(examples)

        def test_b():
            assert not plainpkg.work.called
        """
    )
    guarded.run("error", *HYPOTHESIS, "--heavy-stub=plainpkg").assert_outcomes(passed=2)
