"""Where isolated tests run, seen from the process that runs pytest: under a template, or in fresh interpreters."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .supervisor import GRACE_S, SHOWN_BYTES, TRACE_S, Ended, Marked, Supervisor, ready
from .wire import MARK_BYTES, Wire

if TYPE_CHECKING:
    from .supervisor import Job

Message = tuple[Any, ...]


class Pipes:
    """What a host and its children share: the pipe of the reports, and the file that faulthandler writes to."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.mark = os.urandom(MARK_BYTES)
        self.reports, self.for_child = Wire(reading, self.mark), Wire(writing, self.mark)
        self.trace = os.memfd_create("faulthandler")

    def close(self) -> None:
        """Close all."""
        self.reports.close()
        self.for_child.close()
        os.close(self.trace)


class TemplateHost:
    """A template, forked or fresh."""

    def __init__(self, start: Callable[[Wire, Wire, Pipes], int], limit_s: float) -> None:
        """
        Args:
            start: Starts the template, given its end of the control wire, ours, and the pipes; gives its number.
            limit_s: How long it may take to be ready.
        """
        self._pipes = Pipes()
        ours, its = socket.socketpair()
        self._control = Wire(ours.detach())
        control = Wire(its.detach())
        self._limit_s = limit_s
        self._ready_by = time.monotonic() + limit_s
        self._pid = start(control, self._control, self._pipes)
        control.close()
        self._has_begun = False
        self._importing = ""
        self.fault = ""
        """Why it can't fork, once that is known."""
        self.is_late = False
        """Whether it was not ready in time."""
        self.trace = ""
        """Where it was then, by faulthandler."""
        self._events = b""

    def wait_until_ready(self) -> str:
        """Why it can't fork; empty where it can."""
        while not self._has_begun:
            left_ms = max(int((self._ready_by - time.monotonic()) * 1000), 0)
            if not ready(left_ms, self._control):
                self._give_up()
            for kind, *values in self._control.receive() if not self.is_late else ():
                if kind == "importing":
                    (self._importing,) = values
                else:
                    self._has_begun = True
                    self.fault, self._events = values
            if self._control.is_closed and not self._has_begun:
                self._has_begun = True
                self.fault = "the process that was to fork it could not begin"
        return self.fault

    def _give_up(self) -> None:
        """End it, as it has had its time; it says where it is."""
        self._has_begun = self.is_late = True
        doing = f"importing {self._importing}" if self._importing else "starting pytest for isolated tests"
        self.fault = f"{doing} took more than {self._limit_s:g} s"
        pidfd = os.pidfd_open(self._pid)
        with suppress(OSError):  # its process group: a child of it may do the import
            os.killpg(self._pid, signal.SIGABRT)
        ready(int(TRACE_S * 1000), Descriptor(pidfd))
        os.close(pidfd)
        with suppress(OSError):  # it has ended
            os.killpg(self._pid, signal.SIGKILL)
        self.trace = os.pread(self._pipes.trace, SHOWN_BYTES, 0).decode(errors="replace")

    def take_events(self) -> bytes:
        """What its ledger has got while it began; once."""
        events, self._events = self._events, b""
        return events

    def run(self, job: Job) -> Iterator[Message]:
        """Run a test; gives what comes of it, with ``("ended", Ended)`` last where its process has ended."""
        with suppress(BrokenPipeError):
            self._control.send("run", job)
        while True:
            descriptors = ready(None, self._control, self._pipes.reports)
            if self._pipes.reports.fileno() in descriptors:
                for message in self._pipes.reports.receive():
                    yield message
                    if message[0] == "done" and job["next"]:
                        return
            elif (end := self._end_of(job)) is not None:
                yield from self._pipes.reports.drain()
                yield end
                return

    def close(self) -> None:
        """End it and its child; their time to do so is bounded."""
        self._control.close()
        pidfd = os.pidfd_open(self._pid)
        try:
            deadline = time.monotonic() + GRACE_S + 2 * TRACE_S
            while not os.waitpid(self._pid, os.WNOHANG)[0]:
                if time.monotonic() > deadline:
                    os.killpg(self._pid, signal.SIGKILL)
                with suppress(OSError):
                    ready(100, Descriptor(pidfd))
        finally:
            os.close(pidfd)
            self._pipes.close()

    def _end_of(self, job: Job) -> Message | None:
        for kind, number, *rest in self._control.receive():
            if number == job["number"]:
                return kind, (Ended(number, *rest) if kind == "ended" else rest[0])
        if self._control.is_closed:
            return "refused", "the process that forks it has died"
        return None


class SpawnHost:
    """A fresh interpreter for each test, or for each group."""

    is_late = False
    trace = ""

    def __init__(self, start: Callable[[Pipes, dict[str, str]], tuple[int, Wire]]) -> None:
        """*start* starts an interpreter, with these variables; gives its number and the wire to send tests by."""
        self._pipes = Pipes()
        left = Marked()
        self._supervisor = Supervisor(
            lambda: start(self._pipes, left.variable), self._pipes.trace, self._unreported_output, left
        )
        self._outputs: list[int] = []

    def wait_until_ready(self) -> str:
        """It always can."""
        return ""

    def take_events(self) -> bytes:
        """There are none but those of the tests."""
        return b""

    def run(self, job: Job) -> Iterator[Message]:
        """As that of a template."""
        self._supervisor.look()  # where the last one has died since its last test
        self._supervisor.run(job)
        while True:
            descriptors = ready(self._supervisor.poll_ms(), self._supervisor, self._pipes.reports)
            if self._pipes.reports.fileno() in descriptors:
                for message in self._pipes.reports.receive():
                    if message[0] == "output":
                        self._open_outputs(message[1])
                        continue
                    yield message
                    if message[0] == "done" and job["next"]:
                        return
            elif ended := self._supervisor.look():
                yield from self._pipes.reports.drain()
                yield "ended", ended
                return

    def close(self) -> None:
        """End the interpreter that is there."""
        self._supervisor.stop()
        self._pipes.close()

    def _open_outputs(self, descriptors: tuple[int, ...]) -> None:
        """Get hold of the files that it captures its output in, which have no name."""
        with suppress(OSError):  # it has died already
            self._outputs = [os.open(f"/proc/{self._supervisor.pid}/fd/{fd}", os.O_RDONLY) for fd in descriptors]
        self._supervisor.send("heard")

    def _unreported_output(self) -> str:
        outputs, self._outputs = self._outputs, []
        texts = []
        for fd in outputs:
            with open(fd, "rb") as file:
                texts.append(file.read().decode(errors="replace").rstrip())
        return "\n".join(filter(None, texts))


class Descriptor:
    """What ``ready`` can wait for."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """The descriptor."""
        return self._fd
