"""Under options of pytest itself; the tests beside other plugins are those of tests/compat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite

OTHERS = ("-p", "no:randomly", "-p", "no:xdist", "-p", "no:timeout", "-p", "no:hypothesispytest")


HEAVY_TESTS = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_it(counted, heavy_module, number):
    assert heavy_module("counted") is counted
"""


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
@pytest.mark.parametrize("guard", ["off", "error"])
def test_import_modes(suite: Suite, mode: str, guard: str) -> None:
    """Aliases and the guard work however pytest imports test files."""
    suite.declare("counted")
    suite.tests(HEAVY_TESTS, "tests/a/test_it.py")
    suite.tests(HEAVY_TESTS, "tests/b/test_that.py")
    suite.run(f"--import-mode={mode}", f"--heavy-guard={guard}", "-W", "error").assert_outcomes(passed=12)
    assert suite.executions() == {"counted": 1}


def test_strict_configuration(suite: Suite) -> None:
    """All of our keys and marks are known to pytest."""
    suite.declare("counted", heavy_missing="skip", heavy_gc="pause", heavy_guard="error", heavy_report="on")
    suite.tests("import pytest\n\n@pytest.mark.heavy_guard('off')\ndef test_it(counted): pass\n")
    suite.run("--strict-config", "--strict-markers", "-W", "error").assert_outcomes(passed=1)


def test_installed_is_enough(suite: Suite) -> None:
    """The plugin is loaded by its entry point, under the name heavyimports."""
    suite.declare("counted")
    suite.tests(
        "def test_it(counted, pytestconfig):\n    assert pytestconfig.pluginmanager.has_plugin('heavyimports')\n"
    )
    suite.run(*OTHERS, autoload=True).assert_outcomes(passed=1)


def test_it_can_be_switched_off(suite: Suite) -> None:
    """With ``-p no:heavyimports`` there are no fixtures, no options and no guard."""
    suite.tests(
        """
        def test_it(pytestconfig):
            assert not hasattr(pytestconfig.option, "heavy_guard")

        def test_fixture(heavy_module): pass
        """
    )
    result = suite.run("-p", "no:heavyimports", *OTHERS, autoload=True)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E*fixture 'heavy_module' not found"])


def test_collecting_imports_nothing_heavy(suite: Suite) -> None:
    """``--collect-only`` lists the tests and imports none of the declared modules."""
    suite.declare("counted", "sluggish")
    suite.tests(HEAVY_TESTS)
    for guard in ("off", "error"):
        result = suite.run("--collect-only", "-q", f"--heavy-guard={guard}")
        assert result.ret == 0
        assert "test_it.py::test_it[5]" in result.stdout.str()
    assert not suite.executions()


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_is_there_with_a_faulty_configuration(suite: Suite, flag: str) -> None:
    """Nobody is kept from reading the help by a fault in the file."""
    suite.declare("torch >> 2", heavy_missing="maybe", heavy_guard="strict")
    result = suite.run(flag)
    assert result.ret == 0
    if flag == "--help":
        result.stdout.fnmatch_lines_random(["  heavy_modules (linelist):*", "  heavy_guard (string):*"])


def test_markers_and_fixtures_are_listed_with_the_guard(suite: Suite) -> None:
    """Listing commands work while the guard is on."""
    suite.declare("counted", heavy_guard="error")
    for flag in ("--markers", "--fixtures", "--fixtures-per-test", "--setup-plan"):
        suite.tests("def test_it(counted): pass\n")
        assert suite.run(flag).ret == 0
    assert not suite.executions()


def test_warnings_as_errors(suite: Suite) -> None:
    """The plugin itself warns of nothing, with every feature in use."""
    suite.declare("counted", "sluggish >= 0", heavy_guard="restore", filterwarnings="error")
    suite.tests("def test_it(counted, heavy_module): pass\ndef test_skip(sluggish): pass\n")
    suite.run().assert_outcomes(passed=1, skipped=1)
