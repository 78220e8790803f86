"""The process of an isolated test has nothing that is another's: descriptors, terminal, signal handlers, daemons."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest

from ..support.suite import PLUGIN
from ..support.waiting import are_gone

if TYPE_CHECKING:
    from ..support.suite import Suite

METHODS = pytest.mark.parametrize("method", ["fork", "spawn"])


@METHODS
@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "workers"])
def test_garbage_in_every_descriptor(suite: Suite, method: str, workers: tuple[str, ...]) -> None:
    """The run ends, and each test has the outcome of its own assertions."""
    suite.tests(
        f"""
        import os

        import pytest

        alone = pytest.mark.heavy_isolated(method="{method}")

        @alone
        @pytest.mark.parametrize("number", range(3))
        def test_writes(number):
            for file in range(3, 256):
                try:
                    os.write(file, b"garbage" * 10)
                except OSError:
                    pass
            assert number, "its own"

        @alone
        def test_neighbour(): pass

        def test_here(): pass
        """
    )
    result = suite.run(*workers)
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"]) == (4, 1)
    assert "AssertionError: its own" in result.stdout.str()


@METHODS
def test_the_terminal(suite: Suite, method: str) -> None:
    """It has no controlling terminal, and gets none by opening one, whose end would end it."""
    suite.tests(
        f"""
        import os

        import pytest

        def has_terminal():
            try:
                os.close(os.open("/dev/tty", os.O_RDWR))
            except OSError:
                return False
            return True

        @pytest.mark.heavy_isolated(method="{method}")
        def test_it():
            assert not has_terminal()
            ours, its = os.openpty()
            opened = os.open(os.ttyname(its), os.O_RDWR)
            assert not has_terminal()
            for file in (ours, its, opened):
                os.close(file)

        def test_here():
            assert has_terminal()
        """
    )
    ours, its = os.openpty()

    def take() -> None:
        os.setsid()
        fcntl.ioctl(its, termios.TIOCSCTTY)

    with open(suite.path / "output", "w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider"],
            cwd=suite.path,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdin=its,
            stdout=output,
            stderr=output,
            preexec_fn=take,
            pass_fds=[its],
        )
        try:
            assert process.wait(timeout=60) == 0, (suite.path / "output").read_text()
        finally:
            process.kill()
            process.wait()
            os.close(ours)
            os.close(its)


@METHODS
def test_signal_handlers_are_those_of_the_run(suite: Suite, method: str) -> None:
    """As a conftest file has set them, that of SIGINT too."""
    suite.write(
        "conftest.py",
        """
        import signal

        for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        """,
    )
    suite.tests(
        f"""
        import os
        import signal

        import pytest

        @pytest.mark.heavy_isolated(method="{method}")
        @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR1, signal.SIGTERM])
        def test_it(number):
            assert signal.getsignal(number) == signal.SIG_IGN
            os.kill(os.getpid(), number)
        """
    )
    suite.run().assert_outcomes(passed=3)


@METHODS
def test_daemons_end_with_their_test(suite: Suite, method: str) -> None:
    """Those in a session of their own too; what the run itself has started goes on."""
    suite.tests(
        f"""
        import os
        import pathlib
        import subprocess
        import time

        import pytest

        @pytest.fixture(scope="session")
        def server():
            process = subprocess.Popen(["sleep", "300"], start_new_session=True)
            yield process
            process.kill()
            process.wait()

        def test_before(server):
            assert server.poll() is None

        @pytest.mark.heavy_isolated(method="{method}")
        def test_it():
            reading, writing = os.pipe()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.write(writing, str(os.getpid()).encode())
                    time.sleep(300)
                os._exit(0)
            open("daemon", "wb").write(os.read(reading, 10))

        def test_after(server):
            assert server.poll() is None
            stat = pathlib.Path("/proc", pathlib.Path("daemon").read_text(), "stat")
            assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
        """
    )
    marker = f"daemons-{os.getpid()}-{method}"
    suite.run(is_new=True, ISOLATION_TEST=marker).assert_outcomes(passed=3)
    assert are_gone(f"ISOLATION_TEST={marker}")


@METHODS
def test_what_the_run_starts_meanwhile_goes_on(suite: Suite, method: str) -> None:
    """A thread of a conftest, say, starts a server while an isolated test runs."""
    suite.write(
        "conftest.py",
        """
        import os, subprocess, threading
        import pytest

        started = []

        def serve():
            with open("ask") as ask:
                ask.read()
            started.append(subprocess.Popen(["sleep", "300"], start_new_session=True))
            with open("answer", "w") as answer:
                answer.write("started")

        def pytest_sessionstart():
            if not os.path.exists("ask"):
                os.mkfifo("ask")
                os.mkfifo("answer")
                threading.Thread(target=serve, daemon=True).start()

        @pytest.fixture
        def servers():
            return started
        """,
    )
    suite.tests(
        f"""
        import pytest

        @pytest.mark.heavy_isolated(method="{method}")
        def test_it():
            with open("ask", "w") as ask:
                ask.write("go")
            with open("answer") as answer:
                assert answer.read() == "started"

        def test_after(servers):
            (server,) = servers
            assert server.poll() is None
            server.kill()
            server.wait()
        """
    )
    suite.run().assert_outcomes(passed=2)
