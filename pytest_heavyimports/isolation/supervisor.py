"""The parent of a child that runs isolated tests: starts it, gives it tests, ends it when its time is over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from select import POLLIN, poll
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .wire import Wire

TRACE_S = 2.0
"""How long a child may take to write where it is, and to end."""
GRACE_S = 3.0
"""How long an interrupted child may take to tear its fixtures down."""
SHOWN_BYTES = 2**16

Job = dict[str, Any]
"""A test to be run; see ``child.py``."""


class Ended(NamedTuple):
    """The end of a child."""

    number: int
    """Of the last test that it was given."""
    status: int
    """As in ``subprocess``: the exit status, or the signal as a negative number."""
    is_late: bool
    """Whether it was ended because its time was over."""
    output: str
    """The last that it wrote, where it had not been reported."""
    trace: str
    """What faulthandler wrote."""


class Supervisor:
    """Has one child at a time."""

    def __init__(
        self, start: Callable[[], tuple[int, Wire]], trace: int, output: Callable[[], str], left: Orphans | Marked
    ) -> None:
        """
        Args:
            start: Starts a child; gives its number and the wire to send tests by.
            trace: A descriptor of the file that its faulthandler writes to.
            output: Gives what it has written and nobody has reported.
            left: Ends the processes that it has left outside of its process group.
        """
        self._start = start
        self._left = left
        self._trace = trace
        self._output = output
        self.pid = 0
        """The child's number; 0 while there is none."""
        self.pidfd = -1
        self._jobs: Wire | None = None
        self._number = -1
        self._deadline = 0.0
        self._is_late = False

    def fileno(self) -> int:
        """A descriptor that is ready when the child has ended; -1 while there is none."""
        return self.pidfd

    def run(self, job: Mapping[str, Any]) -> None:
        """Give the test to the child that is there, else to a new one."""
        if not self.pid:
            os.truncate(self._trace, 0)
            os.lseek(self._trace, 0, os.SEEK_SET)
            self._left.begin()
            self.pid, self._jobs = self._start()
            self.pidfd = os.pidfd_open(self.pid)
            self._is_late = False
        self._number = job["number"]
        self._deadline = time.monotonic() + job["limit_s"]
        self.send("run", dict(job))

    def send(self, kind: str, *values: Any) -> None:
        """Send the child a message."""
        assert self._jobs
        with suppress(BrokenPipeError):  # it has just ended, which is told next
            self._jobs.send(kind, *values)

    def poll_ms(self) -> int | None:
        """How long to wait for it, at most."""
        return max(int((self._deadline - time.monotonic()) * 1000) + 1, 0) if self.pid else None

    def look(self) -> Ended | None:
        """The child's end, if it has ended. Does what is to be done where its time is over."""
        if not self.pid:
            return None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            return self._clean_up(os.waitstatus_to_exitcode(status))
        if time.monotonic() >= self._deadline:
            if self._is_late:
                self._kill()
            else:
                self._is_late = True
                self._signal(signal.SIGABRT)  # its faulthandler writes where it is, and then it ends
            self._deadline = time.monotonic() + TRACE_S
        return None

    def stop(self) -> None:
        """End the child; its fixtures are torn down, if they let themselves."""
        if not self.pid:
            return
        assert self._jobs
        self._jobs.close()
        self._signal(signal.SIGINT)
        self._is_late = True
        self._deadline = time.monotonic() + GRACE_S
        while not self.look():
            ready(self.poll_ms(), self)

    def _clean_up(self, status: int) -> Ended:
        self._kill()  # whomever it has left in its process group, and others
        self._left.end()
        os.close(self.pidfd)
        assert self._jobs
        self._jobs.close()
        self.pid, self.pidfd, self._jobs = 0, -1, None
        size = os.fstat(self._trace).st_size
        trace = os.pread(self._trace, SHOWN_BYTES, max(size - SHOWN_BYTES, 0)).decode(errors="replace")
        return Ended(self._number, status, self._is_late, self._output()[-SHOWN_BYTES:], trace)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        with suppress(ProcessLookupError, PermissionError):  # it had no time to begin a session
            os.killpg(self.pid, signal.SIGKILL)


class Orphans:
    """
    Processes that a child has left, whatever session they are in: they become children of this process.

    For a process that does nothing else than to have children, as it ends all that come.

    Reference: prctl(2), ``PR_SET_CHILD_SUBREAPER``.
    """

    def __init__(self) -> None:
        self._others: set[int] = set()

    def begin(self) -> None:
        """Before a child is started."""
        self._others = children()
        _adopt_orphans(True)

    def end(self) -> None:
        """End those that it has left."""
        while orphans := children() - self._others:
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with suppress(ChildProcessError):
                    os.waitpid(pid, 0)
        _adopt_orphans(False)


class Marked:
    """
    Processes that have inherited a variable from the start of a child, which has removed it from ``os.environ``.

    For the process that runs pytest: it may have other children, which stay. A program that a test starts in another
    session isn't marked, and stays, as it does after a test that isn't isolated.
    """

    VARIABLE = "HEAVYIMPORTS_ISOLATED"

    def __init__(self) -> None:
        self._value = os.urandom(16).hex()

    @property
    def variable(self) -> dict[str, str]:
        """What the environment of a child has when it starts."""
        return {self.VARIABLE: self._value}

    def begin(self) -> None:
        """Before a child is started."""

    def end(self) -> None:
        """End those that it has left."""
        mark = f"{self.VARIABLE}={self._value}".encode()
        for name in filter(str.isdecimal, os.listdir("/proc")):
            with suppress(OSError):  # it has ended, or is somebody else's
                with open(f"/proc/{name}/environ", "rb") as environment:
                    is_marked = mark in environment.read().split(b"\0")
                if is_marked:
                    pidfd = os.pidfd_open(int(name))
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                    poller = poll()
                    poller.register(pidfd, POLLIN)
                    poller.poll(TRACE_S * 1000)
                    os.close(pidfd)


def _adopt_orphans(is_on: bool) -> None:
    import ctypes  # 5 ms, in the templates alone

    ctypes.CDLL(None).prctl(36, int(is_on))


def children() -> set[int]:
    """The processes that this one has started or adopted."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return set()  # which is usual, and quickly found
    found = set()
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
            # After the name, which may have anything in it: the state, the parent.
            if int(stat.read().rpartition(b")")[2].split()[1]) == os.getpid():
                found.add(int(name))
    return found


def ready(ms: int | None, *waited_for: Any) -> set[int]:
    """Wait, *ms* at most; the descriptors that are ready."""
    poller = poll()
    for each in waited_for:
        if each.fileno() >= 0:
            poller.register(each, POLLIN)
    return {fd for fd, _ in poller.poll(ms)}
