"""Beside pytest-timeout, which raises wherever a test is: the tests of isolation and half-done imports have more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .others import needs

if TYPE_CHECKING:
    from ..support.guarded import Guarded

pytestmark = needs("pytest_timeout")
SLUGGISH = "import time\n\nfrom executions import record\n\nrecord(__name__)\nfrom . import part\ntime.sleep(30)\n"


@pytest.fixture
def sluggish(guarded: Guarded) -> Guarded:
    """A package that takes half a minute is declared."""
    guarded.installed.add("slothful", "1.0", {"slothful/__init__.py": SLUGGISH, "slothful/part.py": ""})
    guarded.suite.declare("slothful")
    return guarded


@pytest.mark.parametrize("how", [(), ("--heavy-defer",)])
def test_an_import_that_is_broken_off(sluggish: Guarded, how: tuple[str, ...]) -> None:
    """The first test is told of the time-out, each later one where the import was broken off; it is not tried again."""
    sluggish.suite.tests("import pytest\n\n@pytest.mark.parametrize('n', range(3))\ndef test_it(slothful, n): pass\n")
    result = sluggish.run("error", "-p", "pytest_timeout", "--timeout=0.5", *how)
    result.assert_outcomes(errors=3)
    assert sluggish.suite.executions() == {"slothful": 1}
    assert result.stdout.str().count("Failed: Timeout (>0.5s) from pytest-timeout.") >= 1
    assert result.duration < 20


def test_preloading_has_no_limit(guarded: Guarded) -> None:
    """What is imported before the tests is no part of the first one's time."""
    text = SLUGGISH.replace("30", "0.8")
    guarded.installed.add("leisurely", "1.0", {"leisurely/__init__.py": text, "leisurely/part.py": ""})
    guarded.suite.declare("leisurely")
    guarded.suite.tests("def test_it(leisurely): pass\n")
    options = ("-p", "pytest_timeout", "--timeout=0.4")
    guarded.run("error", *options, "--heavy-preload").assert_outcomes(passed=1)
    guarded.run("error", *options).assert_outcomes(errors=1)


def test_only_the_function_has_a_limit(guarded: Guarded) -> None:
    """With ``timeout_func_only``, the import by a fixture or a mark has none."""
    text = SLUGGISH.replace("30", "0.8")
    guarded.installed.add("leisurely", "1.0", {"leisurely/__init__.py": text, "leisurely/part.py": ""})
    guarded.suite.declare("leisurely", timeout="0.4", timeout_func_only="true")
    guarded.suite.tests(
        """
        import leisurely
        import pytest

        @pytest.mark.heavy("leisurely")
        def test_it():
            assert leisurely.part
        """
    )
    guarded.run("error", "-p", "pytest_timeout", "--heavy-defer").assert_outcomes(passed=1)
