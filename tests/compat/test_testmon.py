"""Beside pytest-testmon, which selects the tests that a change concerns, by the lines that each has executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .isolating import WAYS, write
from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("testmon")
TESTMON = ("-p", "testmon.pytest_testmon", "--testmon", "-rA")
TESTS = """
    import os

    import one
    import two

    def test_one():
        assert one.answer() == 1

    @alone
    def test_two():
        assert two.answer() == 2

    @alone
    def test_both():
        assert one.answer() + two.answer() == 3

    def test_none(): pass

    @alone
    def test_last():
        assert two.answer() == 2
        if os.environ.get("DIES"):
            os._exit(3)
    """
CHANGES = ((), ("one",), ("two",), ())


def selected(suite: Suite, *args: str, **environment: str) -> set[str]:
    """The tests that are run."""
    result = suite.run(*TESTMON, *args, path=(suite.path,), has_cache=True, **environment)  # it asks for --lf
    lines = (line.split() for line in result.outlines if line.startswith(("PASSED ", "FAILED ")))
    return {words[1].partition("::")[2] for words in lines}


@pytest.mark.parametrize(("method", "workers"), WAYS)
def test_the_same_tests_are_selected(suite: Suite, method: str, workers: tuple[str, ...]) -> None:
    """After each change, and when nothing has been changed; a test that is isolated and one that isn't."""
    found = {}
    for how in ("", method):
        for name in ("one", "two"):
            suite.write(f"{name}.py", f"def answer():\n    return {1 if name == 'one' else 2}\n")
        write(suite, how, TESTS)
        runs = []
        for changes in CHANGES:
            for name in changes:
                file = suite.path / f"{name}.py"
                file.write_text(file.read_text().replace("return ", "return 0 + "))
            runs.append(selected(suite, *workers))
        found[how] = runs
        for file in suite.path.glob(".testmondata*"):
            file.unlink()
    assert found[method] == found[""]
    assert found[""] == [
        {"test_one", "test_two", "test_both", "test_none", "test_last"},
        {"test_one", "test_both"},
        {"test_two", "test_both", "test_last"},
        set(),
    ]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_test_that_has_died_is_selected_again(suite: Suite, method: str) -> None:
    """And what was counted for those before it is saved."""
    for name in ("one", "two"):
        suite.write(f"{name}.py", f"def answer():\n    return {1 if name == 'one' else 2}\n")
    write(suite, method, TESTS)
    assert len(selected(suite, DIES="1")) == 5
    assert selected(suite) == {"test_last"}
    assert selected(suite) == set()
