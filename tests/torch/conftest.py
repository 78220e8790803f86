"""Fixtures for the tests with the real torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.pytester.forked import ForkedRuns
from pytest_heavyimports.pytester.hooks import fork_runs

from ..support.examples import Examples
from ..support.suite import Suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WRITTEN_BY_CODE = """
    import contextlib
    import runpy

    def test_code():
        with open("printed", "w") as file, contextlib.redirect_stdout(file):
            runpy.run_path("code.py")
    """


@pytest.fixture(scope="session")
def torch_runs() -> Iterator[ForkedRuns]:
    """Starts runs in children of a process that has imported torch: an import takes ten times as long as a run."""
    runs = ForkedRuns(preload=("torch",))
    yield runs
    runs.close()


@pytest.fixture
def torch_suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, torch_runs: ForkedRuns) -> Suite:
    """A small suite whose runs begin with torch in ``sys.modules``: for what is not about its first import."""
    fork_runs(pytester, torch_runs)
    return Suite(pytester, monkeypatch)


@pytest.fixture
def torch_python(torch_suite: Suite) -> Callable[[str], str]:
    """Runs code where torch has been imported, warnings as errors, and gives what it prints; it must end well."""

    def run(code: str) -> str:
        torch_suite.write("code.py", code)
        torch_suite.tests(WRITTEN_BY_CODE)
        torch_suite.run("-W", "error").assert_outcomes(passed=1)
        return (torch_suite.path / "printed").read_text(encoding="utf-8")

    return run


@pytest.fixture
def examples(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Examples:
    """Runs pytest in an example."""
    return Examples(pytester, monkeypatch)


@pytest.fixture
def torch_examples(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, torch_runs: ForkedRuns) -> Examples:
    """Runs pytest in an example, with torch in ``sys.modules`` from the beginning."""
    fork_runs(pytester, torch_runs)
    return Examples(pytester, monkeypatch)
