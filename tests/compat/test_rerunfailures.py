"""Beside pytest-rerunfailures, which runs a test again inside of one protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures
from ..support.guarded import owners_told as told
from .isolating import WAYS, write
from .others import needs

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

pytestmark = needs("pytest_rerunfailures")
RERUNS = ("-p", "pytest_rerunfailures", "--reruns=2")


@pytest.mark.parametrize("mode", MODES)
def test_a_test_that_leaks_once(guarded: Guarded, mode: str) -> None:
    """What an attempt has left displaced is put back before the next, and told once."""
    guarded.suite.tests(
        """
        import sys

        attempts = []

        def test_it(plainpkg):
            attempts.append(1)
            assert sys.modules["plainpkg"] is plainpkg
            if len(attempts) == 1:
                del sys.modules["plainpkg"]
                assert False
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, *RERUNS)
    assert told(result) == ["test_a.py::test_it: left plainpkg displaced: put back"]
    assert result.parseoutcomes()["passed"] == 2
    assert failures(result) == []
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_a_test_that_always_leaks(guarded: Guarded) -> None:
    """Each attempt fails for it, and the last one's failure is the test's."""
    guarded.suite.tests("import sys\n\ndef test_it(plainpkg):\n    del sys.modules['plainpkg']\n", "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("error", *RERUNS)
    assert told(result) == ["test_a.py::test_it: left plainpkg displaced: put back"] * 3
    assert failures(result) == ["ERROR test_a.py::test_it"]
    assert result.parseoutcomes()["rerun"] == 2


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_isolated_test_is_run_again_in_its_process(suite: Suite, method: str) -> None:
    """The attempts share a process, and are told as they would be without isolation."""
    suite.tests(
        f"""
        import pytest

        attempts = []

        @pytest.mark.heavy_isolated(method="{method}")
        def test_it():
            attempts.append(1)
            assert len(attempts) == 3

        def test_none_ran_here():
            assert not attempts
        """
    )
    result = suite.run(*RERUNS, "-v")
    assert result.parseoutcomes() == {"passed": 2, "rerun": 2}


DEATHS = """
    import os
    import pathlib

    def attempt(name):
        file = pathlib.Path(__file__).with_name(f"attempts-{name}")
        with file.open("a") as opened:
            opened.write("x")
        return len(file.read_text())

    @pytest.fixture
    def breaking(request):
        if request.param == "setup" and attempt("in-setup") == 1:
            os.abort()
        yield
        if request.param == "teardown" and attempt("in-teardown") == 1:
            os.abort()

    @alone
    def test_once():
        if attempt("once") == 1:
            os.abort()

    @alone
    def test_fails_then_dies_then_passes():
        number = attempt("mixed")
        assert number > 1
        if number == 2:
            os._exit(4)

    @alone
    def test_always():
        attempt("always")
        os.abort()

    @alone
    @pytest.mark.parametrize("breaking", ["setup", "teardown"], indirect=True)
    def test_in_a_fixture(breaking): pass

    @alone
    @pytest.mark.xfail(reason="known")
    def test_expected():
        attempt("expected")
        os.abort()

    @alone
    @pytest.mark.flaky(reruns=1)
    def test_marked():
        attempt("marked")
        os.abort()
    """


def attempts(suite: Suite) -> dict[str, int]:
    """How often each was begun."""
    return {file.name.partition("-")[2]: len(file.read_text()) for file in suite.path.glob("attempts-*")}


@pytest.mark.parametrize(("method", "workers"), WAYS)
def test_a_death_is_a_failure_that_is_run_again(suite: Suite, method: str, workers: tuple[str, ...]) -> None:
    """In the phase in which it came, as often as any failure, with the attempts before it counted."""
    write(suite, method, DEATHS)
    result = suite.run(*RERUNS, *workers, "-rA")
    told = sorted(
        line.partition(" - ")[0] for line in result.outlines if line.startswith(("PASSED ", "FAILED ", "ERROR "))
    )
    assert told == [
        "FAILED test_it.py::test_always",
        "FAILED test_it.py::test_marked",
        "PASSED test_it.py::test_fails_then_dies_then_passes",
        "PASSED test_it.py::test_in_a_fixture[setup]",
        "PASSED test_it.py::test_in_a_fixture[teardown]",
        "PASSED test_it.py::test_once",
    ]
    outcomes = result.parseoutcomes()
    outcomes.pop("warnings", None)  # of pytest-xdist, which is loaded late
    assert outcomes == {"failed": 2, "passed": 4, "xfailed": 1, "rerun": 8}
    assert attempts(suite) == {
        "once": 2,
        "mixed": 3,
        "always": 3,
        "in-setup": 2,
        "in-teardown": 2,
        "expected": 1,
        "marked": 2,
    }


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_test_after_one_that_died_has_attempts_of_its_own(suite: Suite, method: str) -> None:
    """In one process for a group, whose first test has died twice."""
    suite.tests(
        f"""
        import os
        import pytest

        def attempt(name):
            with open(f"attempts-{{name}}", "a") as file:
                file.write("x")
            with open(f"attempts-{{name}}") as file:
                return len(file.read())

        alone = pytest.mark.heavy_isolated(method="{method}", group="m")

        @alone
        @pytest.mark.flaky(reruns=2)
        def test_dies_twice():
            if attempt("first") < 3:
                os.abort()

        @alone
        @pytest.mark.flaky(reruns=1)
        def test_second():
            assert attempt("second") == 2
        """
    )
    assert suite.run(*RERUNS).parseoutcomes() == {"passed": 2, "rerun": 3}
    assert attempts(suite) == {"first": 3, "second": 2}


@pytest.mark.parametrize(
    ("args", "count"),
    [(("--only-rerun=SIGABRT",), 3), (("--only-rerun=AssertionError",), 1), (("--rerun-except=SIG",), 1)],
)
def test_which_deaths_are_run_again(suite: Suite, args: tuple[str, ...], count: int) -> None:
    """Its options look at the text of a death as at that of any failure."""
    write(
        suite, "fork", "import os\n\n@alone\ndef test_it():\n    open('attempts-it', 'a').write('x')\n    os.abort()\n"
    )
    suite.run(*RERUNS, *args)
    assert attempts(suite) == {"it": count}


def test_a_test_that_died_once_is_flaky(suite: Suite) -> None:
    """``--fail-on-flaky`` sees it."""
    write(suite, "fork", DEATHS)
    assert suite.run(*RERUNS, "--fail-on-flaky", "-k", "once").ret == 7


def test_a_run_s_stand_in_begins_anew_with_each_attempt(suite: Suite, installed: Installed) -> None:
    """What an attempt has called and set is not there in the next."""
    suite.declare("plainpkg")
    suite.tests(
        """
        import plainpkg

        attempts = []

        def test_it():
            attempts.append(1)
            assert not plainpkg.work.called
            assert plainpkg.answer != "set"
            plainpkg.work()
            plainpkg.answer = "set"
            assert len(attempts) == 3
        """
    )
    result = suite.run(*RERUNS, "--heavy-stub=plainpkg", path=(installed.site,), **installed.environment)
    assert result.parseoutcomes() == {"passed": 1, "rerun": 2}


def test_one_test_s_stand_in_is_there_for_each_attempt(suite: Suite, installed: Installed) -> None:
    """By the mark and by the fixture."""
    suite.declare("plainpkg")
    suite.tests(
        """
        import pytest

        attempts = {"mark": 0, "fixture": 0}

        @pytest.mark.heavy_stub("plainpkg")
        def test_mark():
            import plainpkg
            assert not hasattr(plainpkg, "__file__") or not plainpkg.__file__
            attempts["mark"] += 1
            assert attempts["mark"] == 2

        def test_fixture(heavy_stub):
            stand_in = heavy_stub("plainpkg")
            import plainpkg
            assert plainpkg is stand_in
            attempts["fixture"] += 1
            assert attempts["fixture"] == 2
        """
    )
    result = suite.run(*RERUNS, path=(installed.site,), **installed.environment)
    assert result.parseoutcomes() == {"passed": 2, "rerun": 2}
    assert not suite.executions()


def test_a_failed_import_is_not_tried_again(suite: Suite) -> None:
    """Each attempt is told the first error."""
    suite.declare("halfway")
    suite.tests("def test_it(halfway): pass\n")
    result = suite.run(*RERUNS)
    assert result.parseoutcomes() == {"errors": 1, "rerun": 2}
    assert suite.executions()["halfway"] == 1


@pytest.mark.parametrize(("method", "workers"), WAYS)
@pytest.mark.parametrize("fault", ["assert 0", "os._exit(3)"])
def test_the_limit_for_the_suite(suite: Suite, method: str, workers: tuple[str, ...], fault: str) -> None:
    """``--max-suite-reruns`` counts the attempts of all tests, in whatever process, and those that have died."""
    write(
        suite,
        method,
        f"""
        import os

        @alone
        def test_a(): {fault}

        @alone
        def test_b(): {fault}

        def test_here(): assert 0

        @alone
        def test_c(): {fault}
        """,
    )
    result = suite.run(*RERUNS, *workers, "--max-suite-reruns=3")
    outcomes = result.parseoutcomes()
    assert (outcomes["failed"], outcomes["rerun"]) == (4, 3)


def test_a_path_that_is_left_out(suite: Suite) -> None:
    """``--rerun-exclude-path`` holds for a death as for any failure."""
    write(suite, "fork", "import os\n\n@alone\ndef test_it(): os.abort()\n", "out/test_out.py")
    write(suite, "fork", "import os\n\n@alone\ndef test_it(): os.abort()\n", "in/test_in.py")
    result = suite.run(*RERUNS, "--rerun-exclude-path=out", "-v")
    assert result.parseoutcomes() == {"failed": 2, "rerun": 2}
    assert not [line for line in result.outlines if line.startswith("out/") and "RERUN" in line]


@pytest.mark.parametrize(("method", "workers"), WAYS)
def test_failures_after_a_death(suite: Suite, method: str, workers: tuple[str, ...]) -> None:
    """They are attempts of the same test: a new process doesn't count from nothing."""
    write(
        suite,
        method,
        """
        import os

        @alone
        def test_it():
            with open("attempts-it", "a+") as file:
                file.write("x")
                file.seek(0)
                if len(file.read()) == 1:
                    os.abort()
            assert 0
        """,
    )
    outcomes = suite.run(*RERUNS, *workers).parseoutcomes()
    assert (outcomes["failed"], outcomes["rerun"]) == (1, 2)
    assert attempts(suite) == {"it": 3}


def test_a_condition_that_is_not_met(suite: Suite) -> None:
    """The mark's condition holds for a death."""
    write(
        suite,
        "fork",
        """
        import os

        @alone
        @pytest.mark.flaky(reruns=2, condition=False)
        def test_never(): os.abort()

        @alone
        @pytest.mark.flaky(reruns=2, condition=True)
        def test_always(): os.abort()
        """,
    )
    assert suite.run(*RERUNS).parseoutcomes() == {"failed": 2, "rerun": 2}


def test_the_delay(suite: Suite) -> None:
    """A death is waited for as long as a failure is, before each attempt."""
    suite.write("conftest.py", "import time\n\ntime.sleep = lambda s: print(s, end=' ', file=open('slept', 'a'))\n")
    write(suite, "fork", "import os\n\n@alone\ndef test_it(): os.abort()\n")
    suite.run(*RERUNS, "--reruns-delay=20", "--reruns-delay-backoff-factor=3")
    assert [float(each) for each in (suite.path / "slept").read_text().split()] == [20, 60]
