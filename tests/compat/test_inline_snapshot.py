"""Beside inline-snapshot, which changes the test files at the end of the run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .isolating import ALONE, WORKERS, write
from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("inline_snapshot")
INLINE = ("-p", "inline_snapshot.pytest_plugin")
TESTS = """
    from dataclasses import dataclass

    from inline_snapshot import snapshot

    OF_THE_FILE = snapshot()

    @dataclass
    class Point:
        x: int
        y: int

    def test_here():
        assert 1 + 2 == snapshot()

    @alone
    def test_created():
        assert [0, 0] == snapshot()
        assert 5 <= snapshot()
        assert Point(1, 2) == snapshot()

    @alone
    def test_fixed():
        assert {"a": 1, "b": [2, 3]} == snapshot({"a": 1, "b": [2]})
        assert 7 == snapshot(8)

    @alone
    def test_of_the_file():
        assert "text" == OF_THE_FILE

    @alone
    @pytest.mark.parametrize("number", [1, 2])
    def test_the_same_for_both(number):
        assert "both" == snapshot()

    @alone
    def test_right():
        assert 4 == snapshot(4)
        assert 4 in snapshot([4, 5])
    """


def text_of(suite: Suite) -> str:
    """The test file, below what differs by itself."""
    return (suite.path / "test_it.py").read_text().partition("alone =")[2].partition("\n")[2]


@pytest.mark.parametrize(
    "flags", ["create", "fix", "create,fix", "trim", "report", "create,fix,trim,update", "disable"]
)
@pytest.mark.parametrize(("method", "workers"), ALONE)
def test_the_same_text_is_written(suite: Suite, method: str, workers: tuple[str, ...], flags: str) -> None:
    """By each of its flags, and with the same outcomes."""
    found = {}
    for how in ("", method):
        write(suite, how, TESTS)
        result = suite.run(*INLINE, *workers, f"--inline-snapshot={flags}")
        found[how] = text_of(suite), result.parseoutcomes()
    assert found[method] == found[""]


def test_several_that_want_something_else(suite: Suite) -> None:
    """The call stays as it is, and a warning says so; those around it are changed."""
    write(
        suite,
        "fork",
        """
        from inline_snapshot import snapshot

        @alone
        @pytest.mark.parametrize("number", [1, 2])
        def test_it(number):
            assert number <= snapshot()
            assert 3 == snapshot()
        """,
    )
    result = suite.run(*INLINE, "--inline-snapshot=create")
    text = text_of(suite)
    assert "assert number <= snapshot()" in text
    assert "assert 3 == snapshot(3)" in text
    told = "*test_it.py:11: HeavyImportWarning: inline-snapshot does not change this snapshot: several processes*"
    result.stdout.fnmatch_lines([told])


def test_with_workers(suite: Suite) -> None:
    """It refuses to write there, isolated or not."""
    write(suite, "fork", TESTS)
    result = suite.run(*INLINE, *WORKERS, "--inline-snapshot=create")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert re.search("cannot be combined with xdist", result.stderr.str())
