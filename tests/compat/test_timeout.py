"""Beside pytest-timeout, which raises wherever a test is: the tests of isolation and half-done imports have more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .others import needs

if TYPE_CHECKING:
    from ..support.guarded import Guarded

pytestmark = needs("pytest_timeout")
SLUGGISH = """
import signal

from executions import record

record(__name__)
from . import part
if signal.getitimer(signal.ITIMER_REAL)[0]:  # the timer of pytest-timeout is running
    signal.raise_signal(signal.SIGALRM)
"""
LONG = "--timeout=600"


@pytest.fixture
def sluggish(guarded: Guarded) -> Guarded:
    """A package is declared that reaches any time limit while it is imported, and where there is none goes on."""
    guarded.installed.add("slothful", "1.0", {"slothful/__init__.py": SLUGGISH, "slothful/part.py": ""})
    guarded.suite.declare("slothful")
    return guarded


@pytest.mark.parametrize("how", [(), ("--heavy-defer",)])
def test_an_import_that_is_broken_off(sluggish: Guarded, how: tuple[str, ...]) -> None:
    """The first test reports the time-out, each later one where the import was broken off. It is not tried again."""
    sluggish.suite.tests("import pytest\n\n@pytest.mark.parametrize('n', range(3))\ndef test_it(slothful, n): pass\n")
    result = sluggish.run("error", "-p", "pytest_timeout", LONG, *how)
    result.assert_outcomes(errors=3)
    assert sluggish.suite.executions() == {"slothful": 1}
    assert result.stdout.str().count("Failed: Timeout (>600.0s) from pytest-timeout.") >= 1


def test_preloading_has_no_limit(sluggish: Guarded) -> None:
    """The time limit of the first test does not include what is imported before the tests."""
    sluggish.suite.tests("def test_it(slothful): pass\n")
    sluggish.run("error", "-p", "pytest_timeout", LONG, "--heavy-preload").assert_outcomes(passed=1)
    sluggish.run("error", "-p", "pytest_timeout", LONG).assert_outcomes(errors=1)


@pytest.mark.parametrize(("only", "outcome"), [("true", "passed"), ("false", "errors")])
def test_only_the_function_has_a_limit(sluggish: Guarded, only: str, outcome: str) -> None:
    """With ``timeout_func_only``, the import by a fixture or a mark has none."""
    sluggish.suite.declare("slothful", timeout="600", timeout_func_only=only)
    sluggish.suite.tests(
        """
        import pytest
        import slothful

        @pytest.mark.heavy("slothful")
        def test_it():
            assert slothful.part
        """
    )
    sluggish.run("error", "-p", "pytest_timeout", "--heavy-defer").assert_outcomes(**{outcome: 1})
