"""
The template: a process that has imported what the tests need, has computed nothing, and forks a child for each test.

The protocol between it and the process that runs pytest, by a pair of sockets: ``("importing", fullname)`` before it
imports something; ``("ready", fault, events)`` when it can begin, with the reason why it can't fork, and what its
ledger has got since it began; then ``("run", job)`` to it (see ``child.py``), and from it ``("refused", number,
fault)`` or, when a child has ended, ``("ended", *Ended)``. The end of the sockets means that it shall end its child,
and itself.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from ..process.forking import end_with_parent, why_not_fork
from ..process.shutdown import end, fork, freeze
from .supervisor import Orphans, Supervisor, ready
from .wire import Wire

if TYPE_CHECKING:
    import pytest


_SPOILT = 3
"""The exit status of a child that has tried something, and it didn't succeed."""


class Template:
    """Runs in a process of its own, which it never leaves."""

    def __init__(
        self, control: Wire, trace: int, run_child: Callable[[Wire], NoReturn], output: Callable[[], str]
    ) -> None:
        """
        Args:
            control: To the process that runs pytest.
            trace: A descriptor of the file for faulthandler.
            run_child: Called in each child, with the wire that its tests come by.
            output: Gives what a child has written and nobody has reported.
        """
        self._control = control
        self._run_child = run_child
        self._supervisor = Supervisor(self._fork, trace, output, Orphans())
        self._allowed_threads = 0

    def serve(self, allowed_threads: int) -> None:
        """Fork a child for each test, until nobody is there any more. *allowed_threads* are those of the imports."""
        import ctypes  # noqa: F401  # each child needs it, at its end too

        self._allowed_threads = allowed_threads
        try:
            while not self._control.is_closed:
                self._wait()
        finally:
            self._supervisor.stop()

    def _wait(self) -> None:
        descriptors = ready(self._supervisor.poll_ms(), self._control, self._supervisor)
        self._look()
        if self._control.fileno() in descriptors:
            for _, job in self._control.receive():
                self._look()  # a child that has died since its last test gets no other one
                self._start(job)

    def _look(self) -> None:
        if ended := self._supervisor.look():
            self._control.send("ended", *ended)

    def _start(self, job: dict[str, Any]) -> None:
        fault = why_not_fork(self._allowed_threads)
        if not fault:
            try:
                self._supervisor.run(job)
            except OSError as error:  # no memory, or too many processes
                fault = f"{error.strerror} (os.fork)"
        if fault:
            self._control.send("refused", job["number"], fault)

    def _fork(self) -> tuple[int, Wire]:
        reading, writing = os.pipe()
        pid = fork()
        if pid:
            os.close(reading)
        else:
            os.setpgid(0, 0)  # not the leader of a session: that gets the first terminal that it opens
            self._control.close()
            os.close(writing)
            end_with_parent()
            self._run_child(Wire(reading))
        return pid, Wire(writing)


def serve(
    config: pytest.Config,
    control: Wire,
    trace: int,
    run_child: Callable[[Wire], NoReturn],
    *,
    allowed_threads: int,
    fault: str,
    events: bytes,
) -> None:
    """
    Say that this process is ready, or why it can't fork, and be a template until nobody is there any more.

    Args:
        config: pytest's.
        control: To the process that runs pytest.
        trace: A descriptor of the file for faulthandler.
        run_child: Called in each child, with the wire that its tests come by.
        allowed_threads: Those that the imports have started.
        fault: Why it can't fork; empty where it can.
        events: What the ledger has got here.
    """
    control.send("ready", fault, events)
    freeze()
    Template(control, trace, run_child, lambda: unreported_output(config)).serve(allowed_threads)


def fork_process(run: Callable[[], None], *closings: Callable[[], None]) -> int:
    """Fork a process that does nothing but *run*, with *closings* before; gives its number."""
    pid = fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()  # which Ctrl-C doesn't reach
        for close in closings:
            close()
        run()
        status = 0
    except BrokenPipeError:
        pass  # nobody is there any more
    except BaseException:
        traceback.print_exc()
    finally:
        end(status)


def go_ahead_if(succeeds: Callable[[], bool]) -> None:
    """
    Go on in a child that has done something which may spoil it, or here, as if it had not been done, where it has.

    Where the child goes on, this process waits for its end, and ends as well.
    """
    pid = fork()
    if not pid:
        if succeeds():
            return
        os._exit(_SPOILT)
    # Where that takes too long, both get a signal: that process is to say where it is, and to end, before this one.
    previous = signal.signal(signal.SIGABRT, signal.SIG_IGN)
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != _SPOILT:
        end(0)
    signal.signal(signal.SIGABRT, previous or signal.SIG_DFL)


def give_up(files: Iterable[Any]) -> None:
    """
    Have these open files of another process lead nowhere here: a test may write to any descriptor.

    They stay open, since objects here still have their numbers.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for file in files:
        os.dup2(nowhere, file.fileno(), inheritable=False)
    os.close(nowhere)


def unreported_output(config: pytest.Config) -> str:
    """What has been captured since it was last asked: by a child that has died, as they share the file."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is None or not capture.is_globally_capturing():
        return ""
    out, err = capture.read_global_capture()
    return "\n".join(text.rstrip() for text in (out, err) if text)


def is_fork_there() -> bool:
    """Whether the system can do what the template does."""
    return hasattr(os, "fork") and hasattr(os, "pidfd_open") and sys.platform == "linux"
