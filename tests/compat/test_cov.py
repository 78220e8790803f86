"""Beside pytest-cov, which looks for what it is to measure by importing it, and measures in each process."""

from __future__ import annotations

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures, told
from .others import needs

pytestmark = needs("pytest_cov")
APP = "import plainpkg\n\n\ndef a():\n    return plainpkg.answer\n\n\ndef b():\n    return 2\n"


@pytest.mark.parametrize("mode", MODES)
def test_a_source_that_imports_it(guarded: Guarded, mode: str) -> None:
    """``--cov=app.core`` has coverage import ``app``, and throw out all that this has brought in: it comes back."""
    guarded.suite.write("app/__init__.py", "import plainpkg\n")
    guarded.suite.write("app/core.py", APP)
    guarded.suite.tests("from app import core\n\ndef test_it():\n    assert core.a() == 42\n", "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    guarded.suite.declare("plainpkg", pythonpath=".", heavy_protect="plainpkg")  # or it is left out with app
    where = (guarded.installed.site, guarded.suite.path)
    options = ("-p", "pytest_cov", "--cov=app.core", "--cov-report=term", f"--heavy-guard={mode}")
    result = guarded.suite.run(*options, path=where, **guarded.installed.environment)
    result.assert_outcomes(passed=2)
    assert guarded.suite.executions() == {"plainpkg": 1}
    assert failures(result) == []
    result.stdout.re_match_lines([r"app/core\.py +5 +1 +80%"])


@pytest.mark.parametrize("how", [(), ("--heavy-defer",), ("--heavy-isolate",), ("--heavy-preload",)])
def test_the_same_lines_are_measured(guarded: Guarded, how: tuple[str, ...]) -> None:
    """Whatever becomes of the import, and wherever the test runs."""
    guarded.suite.write("app.py", APP)
    guarded.suite.tests("import app\n\ndef test_it():\n    assert app.a() == 42\n")
    guarded.suite.declare("plainpkg", pythonpath=".")
    result = guarded.run("error", "-p", "pytest_cov", "--cov=app", "--cov-report=term-missing", *how)
    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines([r"app\.py +5 +1 +80% +9$"])
    assert told(result) == []


def test_a_protected_package_can_be_measured(guarded: Guarded) -> None:
    """The lines of the heavy module itself, which the guard's finder has loaded."""
    guarded.suite.tests("def test_it(plainpkg): pass\n")
    result = guarded.run("error", "-p", "pytest_cov", "--cov=plainpkg", "--cov-report=term")
    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines([r".*plainpkg/__init__\.py +3 +0 +100%", r".*plainpkg/part\.py +3 +3 +0%"])
