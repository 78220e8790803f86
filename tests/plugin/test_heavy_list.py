"""The flag --heavy-list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..support.suite import Suite, usage_errors

if TYPE_CHECKING:
    from ..support.installed import Installed


def test_what_is_declared_is_shown_and_nothing_is_imported(suite: Suite, installed: Installed) -> None:
    """Each declaration with its fixture, installed version and place; no test runs, nothing heavy is imported."""
    suite.declare("plainpkg", "cv = cvlike >= 4.9", "greet = counted:greet", "ghost")
    suite.tests("raise AssertionError('collected')")
    result = suite.run("--heavy-list", path=(installed.site,), **installed.environment)
    assert result.ret == 0
    assert result.outlines == [
        "fixture   gives          installed                    declared in",
        "plainpkg  plainpkg       2.3.1                        pytest.ini, [pytest], line 1 of heavy_modules",
        "cv        cvlike >= 4.9  4.8.0, excluded              pytest.ini, [pytest], line 2 of heavy_modules",
        "greet     counted:greet  yes, in the code under test  pytest.ini, [pytest], line 3 of heavy_modules",
        "ghost     ghost          no                           pytest.ini, [pytest], line 4 of heavy_modules",
    ]
    assert not suite.executions()


def test_what_a_conftest_declares_is_shown(suite: Suite) -> None:
    """Declarations by hook are in the list."""
    suite.write("conftest.py", "def pytest_heavy_modules():\n    return ['counted']\n")
    result = suite.run("--heavy-list")
    assert result.ret == 0
    assert result.outlines[1:] == [
        "counted  counted  yes, in the code under test  conftest.py, line 1 of pytest_heavy_modules"
    ]
    assert not suite.executions()


def test_faults_are_told(suite: Suite) -> None:
    """A line that can't be read is a usage error here, too."""
    suite.declare("torch >> 2")
    assert usage_errors(suite.run("--heavy-list")) == [
        "heavy_modules: 'torch >> 2' can't be read: '>> 2' is no version specifier "
        "(pytest.ini, [pytest], line 1 of heavy_modules). Write it as 'torch >= 2'."
    ]


def test_nothing_declared_is_no_error(suite: Suite) -> None:
    """A suite without declarations gets an empty list, and the run ends well."""
    suite.tests("raise AssertionError('collected')")
    result = suite.run("--heavy-list")
    assert result.ret == 0
    assert "collected" not in result.stdout.str()
