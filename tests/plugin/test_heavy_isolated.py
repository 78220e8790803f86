"""The mark ``heavy_isolated``: method and group, deaths, and what it may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.suite import section, usage_errors

if TYPE_CHECKING:
    from ..support.suite import Suite

WHO = """
    import os

    import pytest

    PARENT = os.getpid()

    @pytest.fixture(scope="session")
    def costly():
        print(f"costly set up in {os.getpid()}")
        yield os.getpid()
        print(f"costly torn down in {os.getpid()}")
"""


def test_only_marked_tests(suite: Suite) -> None:
    """The others run in the process that runs pytest, before and after."""
    suite.tests(
        """
        import os

        import pytest

        PARENT = os.getpid()

        def test_before():
            assert os.getpid() == PARENT

        @pytest.mark.heavy_isolated
        def test_marked():
            assert os.getpid() != PARENT

        def test_after():
            assert os.getpid() == PARENT
        """
    )
    suite.run().assert_outcomes(passed=3)


def test_a_group_shares_a_process(suite: Suite) -> None:
    """Its session fixture is set up once, and torn down after its last test; others get one of their own."""
    suite.tests(
        WHO
        + """
    shared = []

    @pytest.mark.heavy_isolated(group="model")
    class TestModel:
        def test_a(self, costly):
            assert os.getpid() == costly != PARENT
            shared.append("a")

        def test_b(self, costly):
            assert shared == ["a"]

    @pytest.mark.heavy_isolated(group="model")
    def test_c(costly):
        assert shared == ["a"]

    @pytest.mark.heavy_isolated(group="other")
    def test_d(costly):
        assert shared == []

    @pytest.mark.heavy_isolated
    def test_e(costly):
        assert shared == []
    """
    )
    result = suite.run("-rA", "-s")
    result.assert_outcomes(passed=5)
    assert result.stdout.str().count("costly set up") == 3
    assert result.stdout.str().count("costly torn down") == 3


def test_the_rest_of_a_group_goes_on_after_a_death(suite: Suite) -> None:
    """In a new process."""
    suite.tests(
        """
        import os

        import pytest

        pytestmark = pytest.mark.heavy_isolated(group="one")

        def test_a(): pass

        def test_b(): os._exit(3)

        def test_c(): pass

        def test_d(): pass
        """
    )
    suite.run().assert_outcomes(passed=3, failed=1)


def test_a_group_that_is_broken_off_is_torn_down(suite: Suite) -> None:
    """The run stops in the middle of the group: what it has set up is torn down, and nobody is left."""
    suite.tests(
        WHO
        + """
    pytestmark = pytest.mark.heavy_isolated(group="one")

    def test_a(costly, request):
        request.session.shouldstop = "enough"

    def test_b(costly):
        pass
    """
    )
    result = suite.run("-s")
    result.assert_outcomes(passed=1)
    assert result.stdout.str().count("costly torn down") == 1


def test_spawn_is_a_fresh_interpreter(suite: Suite) -> None:
    """It collects the file anew, with the same arguments and conftest files, and nothing that was there before."""
    suite.write("conftest.py", "import sys\n\nsys.modules.setdefault('seen_by_conftest', sys)\n")
    suite.tests(
        """
        import os
        import sys

        import pytest

        seen = os.environ.setdefault("FIRST", str(os.getpid())) == str(os.getpid())
        collected = os.getpid()

        @pytest.mark.heavy_isolated(method="spawn")
        @pytest.mark.parametrize("text", ["a::b", "x[y]"])
        def test_fresh(text, tmp_path):
            assert not seen and collected == os.getpid()
            assert "seen_by_conftest" in sys.modules
            assert tmp_path.exists()
        """
    )
    suite.run("-W", "error", "-k", "fresh").assert_outcomes(passed=2)


def test_a_spawned_group(suite: Suite) -> None:
    """One interpreter for all of it."""
    suite.tests(
        WHO
        + """
    pytestmark = pytest.mark.heavy_isolated(method="spawn", group="one")

    def test_a(costly):
        assert costly == os.getpid()

    def test_b(costly):
        assert costly == os.getpid()
    """
    )
    result = suite.run("-s")
    result.assert_outcomes(passed=2)
    assert result.stdout.str().count("costly set up") == 1
    assert result.stdout.str().count("costly torn down") == 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("statement", "end"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "Signal SIGSEGV ended the process (Segmentation fault)."),
        ("os.kill(os.getpid(), signal.SIGKILL)", "Signal SIGKILL ended the process (Killed)."),
        ("os._exit(0)", "It ended the process, with exit status 0."),
        ("os._exit(7)", "It ended the process, with exit status 7."),
    ],
)
def test_a_death_is_a_failure(suite: Suite, method: str, statement: str, end: str) -> None:
    """It names the signal or the exit status, with the last output and, for what faulthandler sees, the line."""
    suite.tests(
        f"""
        import os
        import signal
        import sys

        import pytest

        @pytest.mark.heavy_isolated(method="{method}")
        def test_it():
            print("the last words")
            print("of the test", file=sys.stderr)
            {statement}

        def test_next(): pass
        """
    )
    # A new interpreter: the trace of a forked run goes on to the file that has forked it.
    result = suite.run(is_new="SEGV" in statement)
    result.assert_outcomes(failed=1, passed=1)
    begin = next(number for number, line in enumerate(result.outlines) if line.strip("_ ") == "test_it") + 1
    told = result.outlines[begin : result.outlines.index("    of the test") + 1]
    where = ["  where:", f'    File "{suite.path}/test_it.py", line 11 in test_it'] if "SEGV" in statement else []
    assert told == [end, *where, "  output:", "    the last words", "    of the test"]


@pytest.mark.parametrize("phase", ["setup", "teardown"])
def test_a_death_in_a_fixture_is_an_error(suite: Suite, phase: str) -> None:
    """Of that phase."""
    before, after = ("os._exit(2)", "pass") if phase == "setup" else ("pass", "os._exit(2)")
    suite.tests(
        f"""
        import os

        import pytest

        @pytest.fixture
        def deadly():
            {before}
            yield
            {after}

        @pytest.mark.heavy_isolated
        def test_it(deadly): pass
        """
    )
    outcomes = {"errors": 1} if phase == "setup" else {"errors": 1, "passed": 1}
    result = suite.run()
    assert result.parseoutcomes() == outcomes
    assert f"ERROR at {phase} of test_it" in result.stdout.str()


def test_a_death_that_is_expected(suite: Suite) -> None:
    """The mark ``xfail`` covers it."""
    suite.tests(
        """
        import os

        import pytest

        @pytest.mark.heavy_isolated
        @pytest.mark.xfail(reason="known to crash")
        def test_it(): os.abort()
        """
    )
    result = suite.run("-rx")
    assert result.parseoutcomes() == {"xfailed": 1}
    assert "XFAIL test_it.py::test_it - known to crash" in result.outlines


def test_events_of_the_ledger_come_back(suite: Suite) -> None:
    """What a child imports, and what the guard does there, is told in the section at the end."""
    suite.declare("counted", "plain", heavy_protect="counted", heavy_guard="restore")
    suite.tests(
        """
        import importlib
        import sys

        import pytest

        @pytest.mark.heavy_isolated
        def test_it(heavy_module):
            heavy_module("counted")
            importlib.reload(sys.modules["counted"])

        @pytest.mark.heavy_isolated
        def test_again(heavy_module):
            heavy_module("counted")
        """
    )
    result = suite.run()
    result.assert_outcomes(passed=2, warnings=1)
    *imported, reload, unprotected = section(result)
    assert sorted(line.split()[0] for line in imported) == ["counted", "plain"]
    assert reload == "test_it.py:9, in test_it.py::test_it (call): reload of counted: ignored"
    assert unprotected.startswith("not protected: plain ")


def test_declared_modules_are_imported_once_for_all(suite: Suite) -> None:
    """By the template; the process that runs pytest doesn't import them, unless a test there needs them as well."""
    suite.declare("counted")
    suite.tests(
        """
        import sys

        import pytest

        @pytest.mark.heavy_isolated
        @pytest.mark.parametrize("number", range(4))
        def test_it(counted, number):
            pass

        def test_here():
            assert "counted" not in sys.modules
        """
    )
    suite.run().assert_outcomes(passed=5)
    assert suite.executions()["counted"] == 1


def test_a_module_that_starts_a_thread_is_imported_in_each_child(suite: Suite) -> None:
    """A thread doesn't outlive a fork, so a child could miss it."""
    suite.write(
        "threaded.py",
        """
        import threading

        event = threading.Event()
        thread = threading.Thread(target=event.wait, daemon=True)
        thread.start()
        """,
    )
    suite.declare("threaded")
    suite.tests(
        """
        import pytest

        @pytest.mark.heavy_isolated
        @pytest.mark.parametrize("number", range(2))
        def test_it(threaded, number):
            assert threaded.thread.is_alive()
        """
    )
    suite.run(path=(suite.path,)).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("mark", "fault"),
    [
        ("('spawn')", "method= and group= alone. Write it as @pytest.mark.heavy_isolated"),
        ("(methods='fork')", "method= and group= alone. Write it as @pytest.mark.heavy_isolated"),
        ("(method='thread')", "'fork' or 'spawn' as its method, not 'thread'"),
        ("(group=1)", "a name as its group, not 1"),
    ],
)
def test_a_mark_that_says_what_it_cannot(suite: Suite, mark: str, fault: str) -> None:
    """A usage error, before anything runs."""
    suite.tests(f"import pytest\n\n@pytest.mark.heavy_isolated{mark}\ndef test_it(): pass\n")
    assert usage_errors(suite.run()) == [f"test_it.py::test_it: the mark heavy_isolated takes {fault}."]
