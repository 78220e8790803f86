"""Waiting for what other processes do, without asking again and again."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from select import POLLIN, poll

LIMIT_S = 120
"""So long a test waits for what should come at once: a machine may be much slower than this one."""


class Told:
    """A pipe with a name: another process writes to it as to a file, and is waited for."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self, process: subprocess.Popen[str] | None = None) -> str:
        """
        What was written, once it has been closed; may be asked for once.

        Args:
            process: Must not end before that.
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
                assert ready, f"nothing came in {LIMIT_S} s"
                assert self._end in ready, f"it ended first: {process and process.communicate()}"
                if not (piece := os.read(self._end, 2**16)):
                    return text.decode()
                text += piece
        finally:
            os.close(self._end)
            if process:
                os.close(end)


def has_ended(pid: int) -> bool:
    """Whether it ends, or has ended; one that nobody has asked for its status has."""
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
    """Whether the processes with this in their environment, ``NAME=VALUE``, end."""
    while marked := _marked(variable):
        if not has_ended(marked[0]):
            return False
    return True


def _marked(variable: str) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # it has ended, or is somebody else's; one that waits to be reaped has no environment
            if process.name.isdecimal() and variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def heed_ctrl_c() -> None:
    """To be called in a new process: what the background of a shell without job control ignores, it doesn't."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
