"""Runs the child of a probe, which imports a module; its end in words. ``child.py`` has the protocol."""

from __future__ import annotations

import marshal
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from select import POLLIN, poll
from typing import TYPE_CHECKING, Any

from ..errors import ProbeFailed
from ..facts.names import is_within
from ..process.ending import end_in_words, last_lines, lines_of_current_thread
from ..process.interpreter import interpreter_flags

if TYPE_CHECKING:
    from typing_extensions import Self

CHILD = Path(__file__).resolve().with_name("child.py")
KEPT_BYTES = 8192
"""How much of the output is kept: its end."""
TRACE_S = 2.0
"""How long a child may take to write where it is."""
ORPHAN_S = 10
"""How long a child that hangs outlives its time limit where the parent is no more."""


def import_in_child(
    fullname: str, *, path: tuple[str, ...], environment: Mapping[str, str], timeout_s: float
) -> dict[str, Any]:
    """
    Import a module in a new interpreter.

    Returns:
        The report of the child.

    Raises:
        ProbeFailed: The import raised something, ended the process or took too long.
    """
    __tracebackhide__ = True
    with tempfile.TemporaryDirectory(prefix="import-probe-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        request = {"fullname": fullname, "path": list(path), "alarm_s": int(min(timeout_s, 1e6)) + ORPHAN_S}
        (directory / "request").write_bytes(marshal.dumps(request))
        command = [sys.executable, "-u", *interpreter_flags(), str(CHILD), name]
        with _Child(command, environment) as child:
            is_late = child.follow(time.monotonic() + timeout_s)
        if (directory / "report").exists():
            report: dict[str, Any] = marshal.loads((directory / "report").read_bytes())
            if "failure" not in report:
                return report
            fault, trace, remedy = _told_exception(fullname, report)
        else:
            trace = _where(directory / "trace")
            fault, remedy = _told_end(fullname, child.status or 0, timeout_s if is_late else None)
    raise ProbeFailed(fullname, fault=fault, trace=trace, output=last_lines(_text(child.output)), remedy=remedy)


class _Child:
    """A child in a process group of its own, which is ended with all that is in it."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            env=environment,
            start_new_session=True,
        )
        assert self._process.stdout
        self._pipe = self._process.stdout
        self.output = b""
        """The end of what it has written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # there is nobody left in it
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with self._pipe, suppress(BlockingIOError):  # somebody in a session of his own may still have the other end
            os.set_blocking(self._pipe.fileno(), False)
            self._read(2**20)  # a pipe has no more room

    @property
    def status(self) -> int | None:
        """As in ``subprocess``: the exit status, or the signal as a negative number; ``None`` while it runs."""
        return self._process.poll()

    def follow(self, deadline: float) -> bool:
        """Read what it says until it has ended; whether its time was over before."""
        poller = poll()
        poller.register(self._pipe, POLLIN)
        while self.status is None and time.monotonic() < deadline:
            # ms: where another process keeps the pipe open, nothing tells that the child has ended
            if poller.poll(20) and not self._read(65536):
                self._wait(deadline - time.monotonic())
        if self.status is not None:
            return False
        self._process.send_signal(signal.SIGALRM)
        self._wait(TRACE_S)
        return True

    def _read(self, size: int) -> bytes:
        said = os.read(self._pipe.fileno(), size)
        self.output = (self.output + said)[-KEPT_BYTES:]
        return said

    def _wait(self, seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(seconds, 0))


def _told_exception(fullname: str, report: dict[str, str]) -> tuple[str, str, str]:
    """Fault, traceback and remedy for an import that raised something."""
    if report["missing"] and is_within(fullname, report["missing"]):
        return (
            f"there is no such module ({report['text']})",
            "",
            "The child looks for it on the sys.path of this session. To add a directory, use the ini key pythonpath.",
        )
    trace = last_lines(report["trace"])
    if report["failure"] == "SystemExit":
        return f"it called sys.exit({report['code']})", trace, ""
    return f"it raised {report['text']}", trace, ""


def _told_end(fullname: str, status: int, limit_s: float | None) -> tuple[str, str]:
    """Fault and remedy for an import that ended the process, or that was ended because it took too long."""
    if limit_s is not None:
        remedy = f"To give it longer, use import_probe({fullname!r}, timeout={limit_s * 2:g})."
        return f"it took more than {limit_s:g} s, and was ended", remedy
    return end_in_words(status), ""


def _where(trace: Path) -> str:
    """The lines of the thread that the signal met, which is the one that imports; innermost first."""
    text = _text(trace.read_bytes()) if trace.exists() else ""
    return lines_of_current_thread(text, (str(CHILD),))


def _text(output: bytes) -> str:
    return output.decode(errors="replace")
