"""Isolated tests that crash, hang and are interrupted: every outcome right, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ..support.collector import COLLECTOR
from ..support.suite import PLUGIN
from ..support.waiting import LIMIT_S, Fifo, are_gone, restore_sigint

if TYPE_CHECKING:
    from ..support.suite import Suite

CRASHES = """
    import os
    import signal

    import pytest

    WAYS = 10

    @pytest.fixture
    def breaking(request):
        yield
        if request.getfixturevalue("number") % 100 == 30:
            raise OSError("in the teardown")

    @pytest.mark.parametrize("number", range({count}))
    def test_it(number, breaking, record_property, tmp_path):
        record_property("number", number)
        print("number", number)
        way = number % 100
        if way == 0:
            os.kill(os.getpid(), signal.SIGSEGV)
        elif way == 10:
            os.kill(os.getpid(), signal.SIGKILL)
        elif way == 20:
            os._exit(0)
        elif way == 40:
            print("x" * 5_000_000)
            assert 0
        elif way == 50:
            os.write(1, bytes(range(256)) * 10)
            assert 0
        elif way == 60:
            record_property("thing", object())
        elif way == 70:
            if os.fork() == 0:
                raise SystemExit(3)  # comes out in pytest's own code
        elif way == 80:
            os.closerange(3, 256)
        elif way == 90:
            os.abort()
"""
OUTCOMES = {0: "failed", 10: "failed", 20: "failed", 40: "failed", 50: "failed", 80: "failed", 90: "failed"}


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_one_in_ten_crashes(suite: Suite, count: int) -> None:
    """Each of the outcomes is right and told once, and no process, descriptor or file is left."""
    import json

    suite.write("conftest.py", COLLECTOR)
    suite.tests(CRASHES.replace("{count}", str(count)))
    marker = f"ISOLATION_TEST={os.getpid()}-{count}"
    before = set(os.listdir("/tmp"))
    result = suite.run(
        "--heavy-isolate",
        "-q",
        "--tb=line",
        "--show-capture=no",
        "--basetemp=base",
        is_new=True,  # the environment that /proc shows of a fork is that of its template: no marker
        ISOLATION_TEST=marker.partition("=")[2],
    )
    told = [json.loads(line) for line in (suite.path / "told.jsonl").read_text().splitlines()]
    calls = {nodeid: outcome for nodeid, when, outcome, _ in told if when == "call"}
    assert calls == {f"test_it.py::test_it[{number}]": OUTCOMES.get(number % 100, "passed") for number in range(count)}
    for phase in ("setup", "teardown"):
        assert len([line for line in told if line[1] == phase]) == count
    broken = [nodeid for nodeid, when, outcome, _ in told if when == "teardown" and outcome == "failed"]
    assert broken == [f"test_it.py::test_it[{number}]" for number in range(30, count, 100)]
    big = [size for nodeid, when, _, size in told if when == "call" and size > 1_000_000]
    assert big == [5_000_000 + len("number 40\n") + 1 + len(str(number)) - 2 for number in range(40, count, 100)]
    assert result.parseoutcomes()["failed"] == 7 * count // 100
    assert are_gone(marker)
    assert (suite.path / "left.txt").read_text() == (suite.path / "before.txt").read_text()
    assert {
        name for name in os.listdir("/tmp") if name not in before and "pytest" not in name and "py" in name
    } == set()


def test_a_hang_is_ended(suite: Suite) -> None:
    """After ``heavy_isolate_timeout``; the failure says where it hung. A child of the test is ended with it."""
    suite.declare(heavy_isolate_timeout="1")
    suite.tests(
        """
        import subprocess
        import time

        import pytest

        @pytest.mark.heavy_isolated
        def test_it():
            print("about to wait")
            subprocess.run(["sleep", "300"])

        def test_next(): pass
        """
    )
    marker = f"ISOLATION_TEST=hang-{os.getpid()}"
    # A new interpreter: the environment that /proc shows of a fork is that of its template, without the marker.
    result = suite.run(is_new=True, ISOLATION_TEST=marker.partition("=")[2])
    result.assert_outcomes(failed=1, passed=1)
    lines = result.outlines
    begin = lines.index("It took more than 1 s, and was ended.")
    assert lines[begin + 1] == "  where:"
    assert f'    File "{suite.path}/test_it.py", line 9 in test_it' in lines
    assert lines[lines.index("  output:") + 1 :][:2] == [
        "    about to wait",
        "To give it longer, set heavy_isolate_timeout.",
    ]
    assert are_gone(marker)


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_the_limit_of_pytest_timeout(suite: Suite, method: str) -> None:
    """It ends the test from inside where it can, in its own words, and the run goes on in either case."""
    suite.tests(
        """
        import time

        import pytest

        @pytest.mark.heavy_isolated
        def test_it(): time.sleep(300)

        def test_next(): pass
        """
    )
    result = suite.run("-p", "pytest_timeout", "--timeout=1", f"--timeout-method={method}")
    result.assert_outcomes(failed=1, passed=1)
    assert ("Timeout (>1.0s) from pytest-timeout" in result.stdout.str()) == (method == "signal")


def test_a_hang_that_ignores_pytest_timeout(suite: Suite) -> None:
    """Its signal is blocked: the parent ends the test a little later."""
    suite.tests(
        """
        import signal
        import time

        import pytest

        @pytest.mark.heavy_isolated
        def test_it():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            time.sleep(300)
        """
    )
    suite.write("conftest.py", "from pytest_heavyimports.isolation import hooks\n\nhooks.TIMEOUT_GRACE_S = 0.5\n")
    result = suite.run("-p", "pytest_timeout", "--timeout=1")
    result.assert_outcomes(failed=1)
    assert "It took more than 1.5 s, and was ended." in result.outlines


WAITS = """
    import os
    import time

    import pytest

    @pytest.fixture(scope="session")
    def server():
        yield
        open("torn_down", "w").close()

    @pytest.mark.heavy_isolated{how}
    def test_it(server):
        open("waiting", "w").close()
        time.sleep(300)
"""


def start(suite: Suite, marker: str, *args: str) -> subprocess.Popen[str]:
    """A run that waits in its isolated test."""
    waiting = Fifo(suite.path / "waiting")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", *args],
        cwd=suite.path,
        env={**os.environ, "ISOLATION_TEST": marker.partition("=")[2], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=restore_sigint,
    )
    waiting.read(process)
    return process


@pytest.mark.parametrize("how", ["", "(method='spawn')"])
def test_ctrl_c(suite: Suite, how: str) -> None:
    """The run ends, the fixtures of the test are torn down, and no process is left."""
    suite.tests(WAITS.replace("{how}", how))
    marker = f"ISOLATION_TEST=ctrl-c-{os.getpid()}{how}"
    process = start(suite, marker)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in output
    assert (suite.path / "torn_down").exists()
    assert are_gone(marker)


@pytest.mark.parametrize("how", ["", "(method='spawn')"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_run_is_killed(suite: Suite, how: str, number: int) -> None:
    """The processes of the tests notice, and end."""
    suite.tests(WAITS.replace("{how}", how))
    marker = f"ISOLATION_TEST=killed-{os.getpid()}{how}{number}"
    process = start(suite, marker)
    process.send_signal(number)
    process.communicate(timeout=LIMIT_S)
    assert are_gone(marker)


def test_the_template_is_killed(suite: Suite) -> None:
    """The test that ran has failed; those after it are run under a fresh one."""
    suite.tests(
        """
        import os
        import signal
        import time

        import pytest

        @pytest.mark.heavy_isolated
        def test_a(): pass

        @pytest.mark.heavy_isolated
        def test_b():
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(30)

        @pytest.mark.heavy_isolated
        def test_c(): pass
        """
    )
    result = suite.run()
    result.assert_outcomes(passed=2, failed=1)
    assert "The process that forks it has died, and the test with it." in result.outlines


def test_coverage_is_counted(suite: Suite) -> None:
    """The lines of each child, forked or fresh, are in the report."""
    suite.write("app.py", "def a():\n    return 1\n\n\ndef b():\n    return 2\n\n\ndef c():\n    return 3\n")
    suite.tests(
        """
        import app
        import pytest

        @pytest.mark.heavy_isolated
        def test_a(): app.a()

        @pytest.mark.heavy_isolated(method="spawn")
        def test_b(): app.b()

        def test_c(): app.c()
        """
    )
    result = suite.run("-p", "pytest_cov", "--cov=app", "--cov-report=term-missing", path=(suite.path,))
    result.assert_outcomes(passed=3)
    result.stdout.re_match_lines([r"app\.py +6 +0 +100%.*"])
    assert [file.name for file in suite.path.glob(".coverage*")] == [".coverage"]
