"""The setting heavy_missing."""

from __future__ import annotations

import re

import pytest

from ..support.suite import Suite, section, usage_errors

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
    assert [sum(line.endswith(reason) for line in skips(result)) for reason in REASONS] == [2, 1]
    assert noted(result) == [f"2 tests skipped: {REASONS[0]}", f"1 test skipped: {REASONS[1]}"]


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


# Files

GHOST = REASONS[0].replace("ghost >= 2", "ghost")


def skips(result: pytest.RunResult) -> list[str]:
    """What is told of files and tests that were skipped."""
    return [line for line in result.outlines if line.startswith("SKIPPED")]


def noted(result: pytest.RunResult) -> list[str]:
    """The lines of the section at the end that tell what was skipped."""
    return [line for line in section(result) if " skipped: " in line]


@pytest.mark.parametrize(
    "text",
    [
        "import ghost",
        "import ghost.part",
        "from ghost import x",
        "from ghost.part import x",
        "import importlib; importlib.import_module('ghost.part')",
        "import pytest; pytest.importorskip('json')\nimport ghost",
        "try:\n    import ghost\nexcept ImportError as error:\n    raise ImportError('install it') from error",
    ],
)
def test_a_file_that_imports_what_is_missing_is_skipped(suite: Suite, text: str) -> None:
    """At its own line, with the declaration; the section at the end says so, and other files run."""
    suite.declare("ghost")
    suite.tests(f"\n{text}\n\ndef test_it(): pass\n")
    suite.tests("def test_other(ghost): pass\ndef test_light(): pass\n", "test_other.py")
    result = suite.run("-rs", "-p", "no:randomly")
    result.assert_outcomes(passed=1, skipped=2)
    assert result.ret == pytest.ExitCode.OK
    assert re.fullmatch(rf"SKIPPED \[1\] test_it.py:\d+: {re.escape(GHOST)}", skips(result)[0])
    assert noted(result) == [f"1 file and 1 test skipped: {GHOST}"]


def test_a_file_that_imports_it_through_the_code_under_test_is_skipped(suite: Suite) -> None:
    """At the line of the file itself; also where its package does it."""
    suite.declare("ghost", pythonpath=".")
    suite.write("app/model.py", "import ghost\n")
    suite.tests("import json\nfrom app import model\n\ndef test_it(): pass\n")
    suite.write("heavy/__init__.py", "import ghost\n")
    suite.tests("def test_it(): pass\n", "heavy/test_a.py")
    result = suite.run("-rs")
    assert skips(result) == [f"SKIPPED [1] heavy/test_a.py:1: {GHOST}", f"SKIPPED [1] test_it.py:2: {GHOST}"]
    assert noted(result) == [f"2 files skipped: {GHOST}"]


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_every_import_mode_skips(suite: Suite, mode: str) -> None:
    """A file in a package, too, and a package that lacks it itself."""
    suite.declare("ghost")
    suite.write("tests/__init__.py", "")
    suite.write("tests/test_a.py", "import ghost\ndef test_it(): pass\n")
    suite.write("other/__init__.py", "import ghost\n")
    suite.write("other/test_b.py", "def test_it(): pass\n")
    result = suite.run("-rs", f"--import-mode={mode}")
    skipped = [line.rpartition(": could")[0] for line in skips(result)]
    assert "SKIPPED [1] tests/test_a.py:1" in skipped
    if mode != "importlib":  # which imports no package, in older versions of pytest
        assert "SKIPPED [1] other/test_b.py:1" in skipped
    assert result.parseoutcomes().keys() <= {"skipped", "passed"}


def test_a_doctest_module_is_skipped(suite: Suite) -> None:
    """It is the code under test. A test file is collected twice then, and counted once."""
    suite.declare("ghost")
    suite.write("model.py", "import ghost\n\ndef one():\n    '''\n    >>> one()\n    1\n    '''\n    return 1\n")
    suite.tests("import ghost\n")
    result = suite.run("-rs", "--doctest-modules")
    assert skips(result) == [f"SKIPPED [1] model.py:1: {GHOST}", f"SKIPPED [2] test_it.py:1: {GHOST}"]
    assert noted(result) == [f"2 files skipped: {GHOST}"]


@pytest.mark.parametrize(
    "text",
    ["from counted import absent", "import counted.absent", "import counted\ncounted.absent", "import counted.a.b"],
)
def test_a_file_that_needs_a_newer_one_is_skipped(suite: Suite, text: str) -> None:
    """An older one than is declared counts as missing where the file can't be imported; else it runs."""
    suite.declare("counted >= 9")
    suite.tests(f"{text}\n\ndef test_it(): pass\n")
    suite.tests("import counted\ndef test_it(): pass\n", "test_other.py")
    result = suite.run("-rs")
    result.assert_outcomes(passed=1, skipped=1)
    assert REASONS[1].replace("line 2", "line 1") in skips(result)[0]


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("ghost", "import absent"),
        ("ghost", "raise ImportError('ghost')"),
        ("ghost", "import plain.part"),
        ("plain", "import plain.part"),
        ("plain", "from plain import absent"),
        ("plain", "import plain\nplain.absent"),
        ("counted >= 1", "from counted import absent"),
        ("counted >= 9", "import absent"),
        ("needy", "import needy"),
        ("halfway", "import halfway"),
        ("ghost.part", "import ghost"),
        ("ghost.part", "from ghost import other"),
        ("ghost", "try:\n    import ghost\nexcept ImportError:\n    raise RuntimeError('it is needed')"),
        ("plain", "import sys\nsys.modules['plain'] = None\nimport plain"),
        ("plain", "raise NameError('plain')"),
    ],
)
def test_any_other_error_stays_one(suite: Suite, declared: str, text: str) -> None:
    """Of what is not declared, of a part of an installed module, of one that breaks, or is blocked."""
    suite.declare(declared)
    suite.tests(f"{text}\n\ndef test_it(): pass\n")
    result = suite.run()
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert noted(result) == []


def test_a_part_of_a_missing_package_that_was_asked_for_skips(suite: Suite) -> None:
    """The package's name is in the error, and the statement tells which part was meant."""
    suite.declare("ghost.part")
    suite.tests("from ghost import (\n    part,\n)\n\ndef test_it(): pass\n")
    result = suite.run("-rs")
    assert "could not import 'ghost.part': No module named 'ghost'; declared as 'ghost.part'" in skips(result)[0]


def test_fail_makes_the_file_an_error_that_names_the_declaration(suite: Suite) -> None:
    """Its line, the reason, and no traceback."""
    suite.declare("ghost", heavy_missing="fail")
    suite.tests("import json\nimport ghost\n\ndef test_it(): pass\n")
    result = suite.run()
    result.assert_outcomes(errors=1)
    assert f"test_it.py:2: {GHOST}" in result.outlines
    assert "Traceback" not in result.stdout.str()


def test_a_conftest_that_lacks_it_stays_an_error(suite: Suite) -> None:
    """The tests below it would do without its fixtures and hooks."""
    suite.declare("ghost")
    suite.write("tests/part/conftest.py", "import ghost\n")
    suite.write("tests/part/test_it.py", "def test_it(): pass\n")
    suite.run().assert_outcomes(errors=1)


def test_workers_skip_the_file_once(suite: Suite) -> None:
    """Each has skipped it, and the tests of the others are the same in both."""
    suite.declare("ghost")
    suite.tests("import ghost\n\ndef test_it(): pass\n")
    suite.tests("def test_a(): pass\ndef test_b(): pass\n", "test_other.py")
    result = suite.run("-rs", "-n2", "-p", "xdist")
    result.assert_outcomes(passed=2, skipped=1)
    assert skips(result) == [f"SKIPPED [1] test_it.py:1: {GHOST}"]
    assert noted(result) == [f"1 file skipped: {GHOST}"]
    failing = suite.run("--heavy-missing=fail", "-n2", "-p", "xdist")
    assert failing.outlines.count(f"test_it.py:1: {GHOST}") == 1


def test_the_debugger_is_not_started_for_it(suite: Suite) -> None:
    """As for other skips."""
    suite.declare("ghost")
    suite.tests("import ghost\n\ndef test_it(): pass\n")
    result = suite.run("--pdb", "-rs")
    assert "Pdb" not in result.stdout.str()
    assert skips(result) == [f"SKIPPED [1] test_it.py:1: {GHOST}"]
