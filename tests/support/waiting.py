"""Waiting for what other processes do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from select import POLLIN, poll

LIMIT_S = 120
"""How long a test waits for an event. All of them come at once, unless the machine is very slow."""


class Fifo:
    """A named pipe. Another process opens it as a file and writes to it; the test waits for that."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self, process: subprocess.Popen[str] | None = None) -> str:
        """
        Wait until the writer closes the pipe. Can be called once.

        Args:
            process: The test fails if this process ends before.

        Returns:
            What was written.
        """
        text = b""
        poller = poll()
        poller.register(self._end, POLLIN)
        if process:
            end = os.pidfd_open(process.pid)
            poller.register(end, POLLIN)
        try:
            while True:
                ready = [descriptor for descriptor, _ in poller.poll(LIMIT_S * 1000)]
                assert ready, f"nothing was written in {LIMIT_S} s"
                assert self._end in ready, f"the process ended first: {process and process.communicate()}"
                if not (piece := os.read(self._end, 2**16)):
                    return text.decode()
                text += piece
        finally:
            os.close(self._end)
            if process:
                os.close(end)


def wait(is_done: Callable[[], object], seconds: float = 60) -> None:
    """Ask again and again until the answer is true: for what no descriptor tells."""
    deadline = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def has_ended(pid: int) -> bool:
    """Wait for a process to end; a zombie counts as ended. False if it has not ended in time."""
    try:
        end = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poller = poll()
        poller.register(end, POLLIN)
        return bool(poller.poll(LIMIT_S * 1000))
    finally:
        os.close(end)


def are_gone(variable: str) -> bool:
    """Wait for all processes to end that were started with ``NAME=VALUE`` in their environment."""
    while marked := _marked(variable):
        if not has_ended(marked[0]):
            return False
    return True


def _marked(variable: str) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # it has ended, or belongs to another user; a zombie has no environment
            if process.name.isdecimal() and variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def restore_sigint() -> None:
    """
    Let SIGINT end a new process, as by default: a ``preexec_fn``.

    A shell without job control starts background processes with SIGINT ignored, and their children inherit that.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
