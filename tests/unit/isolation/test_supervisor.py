"""The parent of a child: its end, its time, and whom it leaves."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from pytest_heavyimports.isolation.supervisor import Ended, Orphans, Supervisor, ready
from pytest_heavyimports.isolation.wire import Wire

Start = Callable[..., Supervisor]
IMPORTS = "import os, signal, sys, time"


@pytest.fixture
def supervise() -> Iterator[Start]:
    """Makes a supervisor. Its children execute *before*, and then *code*, in a session of their own."""
    trace = os.memfd_create("trace")

    def make(code: str, *inherited: int, before: str = "") -> Supervisor:
        def start() -> tuple[int, Wire]:
            reading, writing = os.pipe()
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", f"{IMPORTS}\n{before}\nprint('begun', flush=True)\n{code}"],
                stdin=reading,
                stdout=subprocess.PIPE,
                pass_fds=inherited,
                start_new_session=True,
            )
            os.close(reading)
            assert child.stdout
            with child.stdout:
                child.stdout.readline()
            child.returncode = 0  # the supervisor waits for it
            return child.pid, Wire(writing)

        return Supervisor(start, trace, lambda: "output", Orphans())

    yield make
    os.close(trace)


def follow(supervisor: Supervisor, seconds: float = 20) -> Ended:
    """Its end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ready(supervisor.poll_ms(), supervisor)
        if ended := supervisor.look():
            return ended
    raise AssertionError("the child has not ended")


def job(number: int = 1, limit_s: float = 60) -> dict[str, object]:
    """What a supervisor looks at in one."""
    return {"number": number, "limit_s": limit_s}


@pytest.mark.parametrize(
    ("code", "status"), [("sys.exit(3)", 3), ("os._exit(0)", 0), ("os.kill(os.getpid(), signal.SIGKILL)", -9)]
)
def test_the_end_of_a_child(supervise: Start, code: str, status: int) -> None:
    """Its status, and what it left; the next job starts another one."""
    supervisor = supervise(code)
    for number in (1, 2):
        supervisor.run(job(number))
        assert follow(supervisor) == Ended(number, status, is_late=False, output="output", trace="")
        assert supervisor.fileno() == -1


def test_one_child_for_several_jobs(supervise: Start) -> None:
    """As long as it lives; its end is told with the last of them."""
    supervisor = supervise("time.sleep(60)")
    supervisor.run(job(1))
    pid = supervisor.pid
    supervisor.run(job(2))
    assert supervisor.pid == pid
    os.kill(pid, signal.SIGKILL)
    assert follow(supervisor).number == 2


@pytest.mark.parametrize(
    ("before", "trace_s", "status"),
    [("", 60, -signal.SIGABRT), ("signal.signal(signal.SIGABRT, signal.SIG_IGN)", 0.05, -signal.SIGKILL)],
    ids=["aborts", "ignores SIGABRT"],
)
def test_a_child_that_takes_too_long(
    supervise: Start, before: str, trace_s: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is aborted; a child that ignores the signal is killed a little later."""
    monkeypatch.setattr("pytest_heavyimports.isolation.supervisor.TRACE_S", trace_s)
    supervisor = supervise("time.sleep(60)", before=before)
    supervisor.run(job(limit_s=0.05))
    ended = follow(supervisor)
    assert ended.is_late
    assert ended.status == status


def test_whom_a_child_leaves_is_ended(supervise: Start) -> None:
    """Its process group."""
    reading, writing = os.pipe()
    supervisor = supervise("if os.fork() == 0: time.sleep(60)", writing)
    supervisor.run(job())
    follow(supervisor)
    os.close(writing)
    assert select.select([reading], [], [], 20)[0], "a process is left"
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_stop(supervise: Start) -> None:
    """It is interrupted, and may end by itself."""
    supervisor = supervise("try: time.sleep(60)\nexcept KeyboardInterrupt: sys.exit(0)")
    supervisor.run(job())
    supervisor.stop()
    assert supervisor.pid == 0
    supervisor.stop()
