"""Isolated tests whose processes don't begin in time, or can't be forked: what is told of it, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.suite import section

if TYPE_CHECKING:
    from ..support.suite import Suite

SLOW = """
    import os
    import time

    if os.environ.get("SLOW_IN") in (None, str(os.getpid() == int(os.environ["RUNS_PYTEST"]))):
        time.sleep(60)
    """
CONFTEST = "import os\n\nos.environ.setdefault('RUNS_PYTEST', str(os.getpid()))\n"
FAILS_FIRST = """
    import pytest

    @pytest.mark.heavy_isolated
    @pytest.mark.parametrize("number", range(4))
    def test_it({fixture}, number): pass

    def test_here(): pass
    """


def lines_of(result: pytest.RunResult, begin: str) -> list[str]:
    """The lines that begin so, without their indentation."""
    return [line.strip() for line in result.outlines if line.strip().startswith(begin)]


def test_an_import_that_takes_too_long(suite: Suite) -> None:
    """One error names the module, the limit and the line; later tests that need it are skipped with the reason."""
    suite.write("slow.py", SLOW)
    suite.write("conftest.py", CONFTEST)
    suite.declare("slow", heavy_isolate_timeout="1", pythonpath=".")
    suite.tests(FAILS_FIRST.replace("{fixture}", "slow"))
    result = suite.run("-rs", path=(suite.path,))
    result.assert_outcomes(errors=1, skipped=3, passed=1)
    assert lines_of(result, "Importing slow took more than 1 s, and was ended.")
    assert lines_of(result, f'File "{suite.path}/slow.py", line 5 in <module>')
    assert lines_of(result, "To give it longer, set heavy_isolate_timeout.")
    (told,) = lines_of(result, "SKIPPED")
    assert told.endswith("not run: importing slow took more than 1 s, of which test_it.py::test_it[0] tells")
    assert result.duration < 30


def test_a_file_that_takes_too_long_in_a_fresh_interpreter(suite: Suite) -> None:
    """The same where the file is collected again; another file's tests are run."""
    suite.write("slow.py", SLOW)
    suite.write("conftest.py", CONFTEST)
    suite.declare(heavy_isolate_timeout="3", pythonpath=".")
    text = FAILS_FIRST.replace("heavy_isolated", "heavy_isolated(method='spawn')").replace("{fixture}, ", "")
    suite.tests("import slow\n" + text.replace("\n    ", "\n"), "test_a.py")
    suite.tests(text.replace("range(4)", "range(1)"), "test_b.py")
    result = suite.run("-rs", path=(suite.path,), SLOW_IN="False")
    result.assert_outcomes(errors=1, skipped=3, passed=3)
    begun = "Starting pytest and collecting test_a.py in the process of the test took more than 3 s, and was ended."
    assert lines_of(result, begun)
    assert lines_of(result, f'File "{suite.path}/slow.py", line 5 in <module>')
    (told,) = lines_of(result, "SKIPPED")
    assert told.endswith("not run: test_a.py::test_it[0], of the same file, could not begin in time")


COMPUTES = """
    import ctypes

    libc = ctypes.CDLL(None)
    waiting = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(ctypes.cast(libc.pause, ctypes.c_void_p).value)
    thread = ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, ctypes.cast(libc.pause, ctypes.c_void_p), None)
    """
"""Starts a thread that Python doesn't know, as a parallel operation does."""


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")])
def test_fresh_interpreters_are_told_once(suite: Suite, workers: tuple[str, ...]) -> None:
    """How many, what they have cost, and why there was no fork: in the summary, or in a warning of the worker."""
    suite.write("conftest.py", COMPUTES)
    suite.tests(
        """
        import pytest

        @pytest.mark.heavy_isolated
        @pytest.mark.parametrize("number", range(2))
        def test_it(number): pass

        @pytest.mark.heavy_isolated(method="spawn")
        def test_asked_for(): pass
        """
    )
    result = suite.run(*workers)
    assert result.parseoutcomes()["passed"] == 3
    (told,) = [line.strip() for line in result.outlines if "ran in fresh interpreters" in line]
    assert told.endswith("2 tests ran in fresh interpreters: no process could be forked")
    text = result.stdout.str()
    assert text.count("s until they began, ") == 1
    assert "this process: it has 1 thread that no import leaves (start-up or collection)" in text
    assert "a new one:    it has 1 thread that no import leaves" in text
    assert not section(result)


def test_a_new_template_is_told_once(suite: Suite) -> None:
    """A file that computes while it is collected: its tests are collected again, by processes of a new one."""
    suite.tests(
        COMPUTES
        + """
    import pytest

    @pytest.mark.heavy_isolated
    @pytest.mark.parametrize("number", range(2))
    def test_it(number): pass
    """
    )
    result = suite.run()
    result.assert_outcomes(passed=2)
    text = "2 tests were forked from a new process and collected again: the process that runs pytest can't be forked"
    assert text in result.outlines
    assert "  this process: it has 1 thread that no import leaves (start-up or collection)" in result.outlines
    assert not lines_of(result, "a new one:")


def test_nothing_is_told_where_all_are_forked(suite: Suite) -> None:
    """Nor of those that ask for a fresh interpreter."""
    suite.tests(
        """
        import pytest

        @pytest.mark.heavy_isolated
        def test_it(): pass

        @pytest.mark.heavy_isolated(method="spawn")
        def test_asked_for(): pass
        """
    )
    assert "isolated tests" not in suite.run().stdout.str()
