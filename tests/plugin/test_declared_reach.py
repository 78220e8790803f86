"""What a declaration leads to: its modules are protected and preloaded, or a line says why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES, told
from ..support.suite import section

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

RECORD = "from executions import record\n\nrecord(__name__)\n"
EVICTS = """
import sys
from unittest.mock import patch

def test_evicts():
    with patch.dict(sys.modules, {"nothing": None}):
        import NAME.sdk
        test_evicts.sdk = NAME.sdk

def test_is_the_same():
    import NAME.sdk
    assert NAME.sdk is test_evicts.sdk
"""
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(suite: Suite, installed: Installed) -> Run:
    """Runs a suite where the namespace packages ``stars`` and ``stars.near`` are installed, with one part each."""
    installed.add("stars-sdk", "1.0", {"stars/sdk.py": RECORD})
    installed.add("stars-near-sdk", "1.0", {"stars/near/sdk.py": RECORD})

    def run(*args: str) -> pytest.RunResult:
        return suite.run(*args, path=(installed.site,), **installed.environment)

    return run


@pytest.mark.parametrize("name", ["stars", "stars.near"])
def test_a_namespace_package_is_protected(suite: Suite, run: Run, name: str) -> None:
    """With all its parts; nobody needs to be told."""
    suite.declare(f"them = {name}")
    suite.tests(EVICTS.replace("NAME", name))
    result = run("--heavy-guard=restore")
    result.assert_outcomes(passed=2, warnings=1)
    assert suite.executions() == {f"{name}.sdk": 1}
    assert "not protected" not in result.stdout.str()


@pytest.mark.parametrize("mode", ["off", *MODES])
def test_it_has_nothing_to_preload(suite: Suite, run: Run, mode: str) -> None:
    """A line says so, and not of a part, which is preloaded."""
    suite.declare("stars", "sdk = stars.near.sdk")
    suite.tests('import sys\n\ndef test_it():\n    assert "stars.near.sdk" in sys.modules\n')
    result = run("--heavy-preload", f"--heavy-guard={mode}")
    result.assert_outcomes(passed=1)
    assert told(result) == [
        "not preloaded: stars (a namespace package, which has no code of its own: declare the parts that tests import)"
    ]


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--heavy-guard=error"], "not protected: app, app.model (in the code under test: heavy_protect protects it)"),
        (["--heavy-preload"], "not preloaded: app, app.model (in the code under test)"),
        (
            ["--heavy-guard=restore", "--heavy-preload"],
            "not protected or preloaded: app, app.model (in the code under test: heavy_protect protects it)",
        ),
        ([], None),
    ],
)
def test_code_under_test(suite: Suite, run: Run, args: list[str], line: str | None) -> None:
    """One line for all, where the run protects or preloads."""
    suite.write("app/__init__.py", "")
    suite.write("app/model.py", "one = 1\n")
    suite.declare("app", "app.model", "one = app.model:one", "missing")
    suite.tests("def test_it(one): pass\n")
    assert told(run(*args)) == ([line] if line else [])


def test_only_what_the_run_has_imported(suite: Suite, run: Run) -> None:
    """A run of light tests is told nothing, and one that imports a part of what is declared is told of that."""
    suite.write("app/__init__.py", "")
    suite.write("app/model.py", "")
    suite.write("app/other.py", "")
    suite.declare("app.model", "app.other", "imaplib")
    suite.tests("def test_light(): pass\n\ndef test_heavy(model): pass\n")
    light = run("--heavy-guard=error", "--heavy-preload", "-m", "not heavy")
    assert section(light) == []
    assert told(run("--heavy-guard=error")) == [
        "not protected: app.model (in the code under test: heavy_protect protects it)"
    ]


def test_once_for_all_workers(suite: Suite, run: Run) -> None:
    """The controller imports nothing, and tells what its workers have imported."""
    suite.write("app/__init__.py", "")
    suite.write("app/model.py", "")
    suite.declare("app.model")
    suite.tests("def test_one(model): pass\n\ndef test_other(model): pass\n")
    result = run("--heavy-guard=restore", "-p", "xdist", "-n", "2")
    assert told(result) == ["not protected: app.model (in the code under test: heavy_protect protects it)"]


@pytest.mark.parametrize("protect", ["app", "!app"])
def test_who_has_decided_is_told_nothing(suite: Suite, run: Run, protect: str) -> None:
    """A line of ``heavy_protect`` answers, either way."""
    suite.write("app/__init__.py", "")
    suite.declare("app", heavy_protect=protect)
    suite.tests("def test_it(app): pass\n")
    assert told(run("--heavy-guard=error")) == []


def test_a_part_of_python(suite: Suite, run: Run) -> None:
    """It is there to be had as a fixture, and nothing else."""
    suite.declare("sqlite3")
    suite.tests("def test_it(sqlite3): pass\n")
    assert told(run("--heavy-guard=error")) == ["not protected: sqlite3 (a part of Python)"]


def test_a_namespace_with_parts_in_the_code_under_test(suite: Suite, run: Run) -> None:
    """Is not protected as a whole: reloading one's own code works as ever."""
    suite.write("stars/own.py", "")
    suite.declare("stars", pythonpath=".")
    suite.tests("def test_it():\n    import stars.own\n")
    assert told(run("--heavy-guard=error")) == [
        "not protected: stars (a namespace package with parts in the code under test: declare the others)"
    ]
