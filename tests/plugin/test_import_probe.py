"""The fixture import_probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES

if TYPE_CHECKING:
    from ..support.suite import Suite

ASKS = """
import app.cli

def test_it(import_probe):
    probe = import_probe("app.cli")
    assert probe.modules == ("app", "app.cli", "app.model", "heavy")
    assert probe.chain("heavy") == ("app.cli", "app.model", "heavy")
"""


def write_app(suite: Suite, directory: str) -> None:
    """A package whose command line imports ``heavy``."""
    suite.write(f"{directory}/app/__init__.py", "")
    suite.write(f"{directory}/app/cli.py", "from . import model\n")
    suite.write(f"{directory}/app/model.py", "import heavy\n")
    suite.write(f"{directory}/heavy.py", "")


def test_a_failed_assertion_shows_the_chain(suite: Suite) -> None:
    """``not in`` and ``in`` are told with who imports the module, and where."""
    write_app(suite, ".")
    suite.tests(
        """
        def test_not_in(import_probe):
            assert "heavy" not in import_probe("app.cli")

        def test_in(import_probe):
            probe = import_probe("app.cli")
            assert "torch" in probe

        def test_seconds(import_probe):
            assert import_probe("app.cli").seconds < 0
        """
    )
    result = suite.run("-p", "no:randomly")
    result.assert_outcomes(failed=3)
    result.stdout.re_match_lines_random(
        [
            r"E +AssertionError: assert 'torch' in import_probe\('app.cli'\)",
            r"E +Importing 'app.cli' doesn't import 'torch'\.",
            r"E +\+  where \d\.\d+ = <import_probe\('app.cli'\): 4 modules, \d\.\d\d s, \d+ MiB>\.seconds",
        ]
    )
    lines = [line.removeprefix("E").strip() for line in result.outlines]
    begin = lines.index("AssertionError: assert 'heavy' not in import_probe('app.cli')")
    assert lines[begin + 1].startswith("Importing 'app.cli' imports 'heavy', which takes 0.")
    assert lines[begin + 2 : begin + 5] == [
        "app.cli",
        "app.model  (imported at app/cli.py:1)",
        "heavy      (imported at app/model.py:1)",
    ]


def test_other_assertions_are_shown_as_ever(suite: Suite) -> None:
    """What has nothing to do with a probe is left to pytest, and to other plugins."""
    suite.tests(
        """
        def test_it(import_probe):
            import_probe("os")
            assert "a" in ["b"]
        """
    )
    result = suite.run()
    assert "E       AssertionError: assert 'a' in ['b']" in result.outlines


def test_a_failure_of_the_import_is_told_at_the_call(suite: Suite) -> None:
    """The traceback of the test ends at its own line."""
    suite.write("app.py", "import sys\nsys.exit(3)\n")
    suite.tests("def test_it(import_probe):\n    import_probe('app')\n")
    result = suite.run("--tb=short")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:2: in test_it",
            "    import_probe('app')",
            "E   pytest_heavyimports.ProbeFailed: 'app' could not be imported in a clean interpreter: it called "
            "sys.exit(3).",
        ]
    )


def test_a_module_that_is_not_there_is_a_failure(suite: Suite) -> None:
    """A typo in the name skips no test."""
    suite.tests("def test_it(import_probe):\n    import_probe('app.clo')\n")
    suite.run("--heavy-missing=skip").assert_outcomes(failed=1)


def test_the_src_layout(suite: Suite) -> None:
    """What the ini key ``pythonpath`` adds is there in the child."""
    write_app(suite, "src")
    suite.write("pytest.ini", "[pytest]\npythonpath = src\n")
    suite.tests(ASKS, "tests/test_it.py")
    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", ["prepend", "append"])
def test_directories_that_pytest_has_inserted(suite: Suite, mode: str) -> None:
    """A package beside the tests, or beside the conftest.py of a nested root, is found as the tests find it."""
    write_app(suite, "inner/tests")
    suite.write("inner/pytest.ini", "[pytest]\n")
    suite.write("inner/tests/conftest.py", "")
    suite.tests(ASKS, "inner/tests/test_it.py")
    suite.run(f"--import-mode={mode}", "inner").assert_outcomes(passed=1)
    suite.run(f"--import-mode={mode}", "--rootdir=.", "inner/tests/test_it.py").assert_outcomes(passed=1)


def test_import_mode_importlib(suite: Suite) -> None:
    """Nothing is inserted then: what the tests find, the child finds."""
    write_app(suite, "src")
    suite.write("pytest.ini", "[pytest]\npythonpath = src\n")
    suite.tests(ASKS, "tests/test_it.py")
    suite.run("--import-mode=importlib").assert_outcomes(passed=1)


def test_under_xdist(suite: Suite) -> None:
    """Each worker has the session's import path, and asks a child of its own."""
    write_app(suite, "src")
    suite.write("pytest.ini", "[pytest]\npythonpath = src\n")
    for name in ("a", "b"):
        suite.tests(ASKS, f"tests/test_{name}.py")
    suite.run("-p", "xdist", "-n", "2").assert_outcomes(passed=2)


def test_one_child_for_a_session(suite: Suite) -> None:
    """Two tests, and two sets of parameters, ask once; the tests' process imports nothing."""
    suite.tests(
        """
        import sys

        import pytest

        @pytest.mark.parametrize("name", ["torch", "numpy"])
        def test_is_light(import_probe, name):
            assert name not in import_probe("counted")

        def test_is_here(import_probe):
            assert "counted" in import_probe("counted", timeout=30)
            assert "counted" not in sys.modules
        """
    )
    suite.run().assert_outcomes(passed=3)
    assert suite.executions() == {"counted": 1}


@pytest.mark.parametrize("mode", MODES)
def test_with_the_guard_on(suite: Suite, mode: str) -> None:
    """The child has nothing of the guard, and nothing that the child does is a leak here."""
    suite.declare("counted")
    suite.write("app.py", "import sys, counted\ndel sys.modules['counted']\nimport counted\n")
    suite.tests(
        """
        def test_it(counted, import_probe):
            assert "counted" in import_probe("app")
        """
    )
    result = suite.run(f"--heavy-guard={mode}", "-W", "error")
    result.assert_outcomes(passed=1)
    assert suite.executions() == {"counted": 3}


def test_with_coverage_of_subprocesses(suite: Suite) -> None:
    """Coverage is not started in the child, where it would hide what it imports itself."""
    suite.write(".coveragerc", "[run]\npatch = subprocess, _exit\nparallel = true\n")
    suite.write("app.py", "import sqlite3\n")
    suite.tests(
        """
        import os

        def test_it(import_probe):
            assert os.environ.keys() & {"COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"}
            assert {"app", "sqlite3", "json"} & set(import_probe("app").modules) == {"app", "sqlite3"}
        """
    )
    result = suite.run("-p", "pytest_cov", "--cov=app", "--cov-config=.coveragerc", "--cov-report=")
    result.assert_outcomes(passed=1)


def test_without_assertion_rewriting(suite: Suite) -> None:
    """``--assert=plain`` and other Python code can ask who imports a module by themselves."""
    suite.write("app.py", "import counted\n")
    suite.tests(
        """
        def test_it(import_probe):
            probe = import_probe("app")
            assert "counted" not in probe, probe.chain("counted")
        """
    )
    result = suite.run("--assert=plain")
    result.stdout.fnmatch_lines(["E*AssertionError: ('app', 'counted')"])


def test_a_run_that_does_not_use_it_has_nothing_of_it(suite: Suite) -> None:
    """No module of ours is imported for it, and no hook is registered."""
    suite.tests(
        """
        import sys

        def test_it(heavy_module, pytestconfig):
            assert not [name for name in sys.modules if name.startswith("pytest_heavyimports.probe.probe")]
            assert not pytestconfig.pluginmanager.has_plugin("heavyimports-probe")
        """
    )
    suite.run().assert_outcomes(passed=1)


def test_it_is_listed(suite: Suite) -> None:
    """``pytest --fixtures`` says what it does."""
    result = suite.run("--fixtures")
    result.stdout.fnmatch_lines(
        [
            "import_probe [[]session scope[]] -- *fixtures.py:*",
            '    Import a module in a clean interpreter, and tell what that brings in: import_probe("app.cli"*',
        ]
    )


def test_standard_input_of_the_run_is_not_read(suite: Suite) -> None:
    """With ``-s``, too, an import that asks for a line gets an error and waits for nobody."""
    suite.write("app.py", "input('name: ')\n")
    suite.tests("def test_it(import_probe):\n    import_probe('app')\n")
    result = suite.run("-s", "--tb=line")
    result.stdout.fnmatch_lines(["*it raised EOFError: EOF when reading a line.*"])
