"""A run of pytest in a forked child, where ``pytester`` would start an interpreter."""

from __future__ import annotations

import json
import os
import select
import signal
import site
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from ..process.environment import current_umask

try:
    import fcntl
    import resource
except ImportError:  # Windows, where nothing is forked
    fcntl = resource = None  # type: ignore[assignment]

_TEMPLATE = Path(__file__).resolve().with_name("template.py")
_FORKING = _TEMPLATE.parents[1] / "process" / "forking.py"
_MOST = 4
"""At most this many templates are kept; the one that was used least recently ends first."""
_START_S = 120
_END_S = 10
_READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "GLIBC_", "COVERAGE_", "COV_CORE_", "SETUPTOOLS_")
"""
Variables by the beginnings of their names: those that the loader, C's library, Python, and the ``.pth`` files of
coverage and setuptools read when a process starts.
"""
_SET_IN_CHILD = "PYTHONPATH"
_LIMITS = tuple(getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_"))
_IS_POSSIBLE = hasattr(os, "fork") and hasattr(os, "pidfd_open")

Key = tuple[Any, ...]


class CannotFork(Exception):
    """There can't be a template here; the text says why."""


class ForkServer:
    """A process to fork runs from."""

    def __init__(self, executable: str, environment: dict[str, str], preload: Sequence[str]) -> None:
        self._lock = Lock()
        """One thread at a time sends a request and reads its answer."""
        self.running: set[int] = set()
        """The children that nobody has waited for yet; they end with it."""
        self._control, its = (_not_standard(end) for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        command = [executable, str(_TEMPLATE), str(its.fileno()), str(_FORKING), *preload]
        variables = {name: value for name, value in environment.items() if name != _SET_IN_CHILD}
        try:
            with its:
                self._process = subprocess.Popen(
                    command,
                    env={**variables, "PRELOAD_PATH": os.pathsep.join(sys.path) if preload else ""},
                    cwd="/",
                    pass_fds=[its.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                )
        except OSError as error:
            self._control.close()
            raise CannotFork(f"{error.strerror} ({executable})") from None
        try:
            fault = self._wait_until_ready()
        except BaseException:  # Ctrl-C
            self._process.kill()
            self.close()
            raise
        if fault:
            self.close()
            raise CannotFork(fault)

    def fork(self, request: dict[str, object], streams: list[int]) -> tuple[int, int]:
        """Start a run; gives the child's number, and a pidfd of it."""
        file = os.memfd_create("request")
        try:
            os.write(file, json.dumps(request).encode())
            os.lseek(file, 0, os.SEEK_SET)
            with self._lock:
                socket.send_fds(self._control, [_request()], [file, *streams])
                message, descriptors, _, _ = socket.recv_fds(self._control, 100, 1)
        finally:
            os.close(file)
        if not message:
            raise OSError(0, "the template has ended")
        pid: int = json.loads(message)["pid"]
        self.running.add(pid)
        return pid, descriptors[0]

    @property
    def has_ended(self) -> bool:
        """Whether something has ended it."""
        return self._process.poll() is not None

    def reap(self, pid: int) -> int:
        """The exit status of a child that has ended, as in ``subprocess``."""
        try:
            with self._lock:
                self._control.send(_request(pid))
                answer = self._answer()
        except OSError:
            answer = None
        except BaseException:  # Ctrl-C: nobody could tell the next answer from this one
            self.close()
            raise
        if answer is None:
            raise CannotFork(f"the process that has forked run {pid} has died, so its exit status is not known")
        self.running.remove(pid)
        return os.waitstatus_to_exitcode(answer["status"])

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)  # another process, a fork of this one, may have the socket too
        self._control.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait_until_ready(self) -> str:
        """Why it can't fork; empty where it can."""
        self._control.settimeout(_START_S)
        try:
            answer = self._answer()
        except TimeoutError:
            return f"it had not imported pytest after {_START_S} s"
        self._control.settimeout(None)
        return str(answer["fault"]) if answer else "it ended while it imported pytest"

    def _answer(self) -> dict[str, Any] | None:
        message = self._control.recv(2**12)
        return json.loads(message) if message else None


class ForkedProcess:
    """A child, with what ``pytester`` uses of a :class:`subprocess.Popen`; it has no pipes."""

    stdin = stdout = stderr = None

    def __init__(self, template: ForkServer, request: dict[str, object], streams: list[int]) -> None:
        self._template = template
        self.args = ["pytest", *request["arguments"]]  # type: ignore[misc]  # a list of texts
        self.returncode: int | None = None
        self._pidfd = -1
        self.pid, self._pidfd = template.fork(request, streams)

    def poll(self) -> int | None:
        """The exit status; ``None`` while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """
        Wait for the end.

        Args:
            timeout: Seconds.

        Returns:
            The exit status, or the signal that ended it as a negative number.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        if self.returncode is None:
            try:
                poller = select.poll()
                poller.register(self._pidfd, select.POLLIN)
                has_ended = poller.poll(None if timeout is None else timeout * 1000)
            except BaseException:  # a time-out of the test, or Ctrl-C: nobody waits for it again
                self.kill()
                self._reap()
                raise
            if not has_ended:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self._reap()
        assert self.returncode is not None
        return self.returncode

    def communicate(self, input: None = None, timeout: float | None = None) -> tuple[None, None]:  # noqa: A002, ARG002  # as Popen has it
        """Wait for the end; there are no pipes."""
        self.wait(timeout)
        return None, None

    def send_signal(self, number: int) -> None:
        """Send a signal, where it still runs."""
        if self.returncode is None and self._pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _reap(self) -> None:
        pidfd, self._pidfd = self._pidfd, -1
        os.close(pidfd)
        self.returncode = self._template.reap(self.pid)


class ForkedRuns:
    """Starts runs of pytest; has the templates for them."""

    def __init__(self, preload: Sequence[str] = ()) -> None:
        """
        Args:
            preload: Modules that the templates are to have imported.
        """
        self._preload = tuple(preload)
        self._templates: dict[Key, ForkServer] = {}
        self._lock = Lock()
        self._faults: dict[Key, str] = {}
        """Why there can't be a template, so that nobody tries again for each run."""
        self.reported: set[str] = set()
        """The faults that a warning has told of."""
        self._pid = os.getpid()
        self._of_parents: list[dict[Key, ForkServer]] = []
        """The templates of the processes that this one is a fork of: kept, so that none is finalized here."""

    def start(self, command: Sequence[str], environment: dict[str, str], stdout: int, stderr: int) -> ForkedProcess:
        """
        Start ``python -m pytest`` as a forked child, in this process's directory, with nothing on its standard input.

        Args:
            command: The interpreter, ``-mpytest``, and the arguments.
            environment: Of the run.
            stdout: The descriptor that it writes to.
            stderr: The same, for errors.

        Raises:
            CannotFork: There can't be a template, or the environment is larger than what a socket takes.
        """
        if not _IS_POSSIBLE:
            raise CannotFork("that needs Linux")
        executable, _, *arguments = command
        key = (executable, *_given_at_start(environment))
        with self._lock:
            template = self._template(key, executable, environment)
        request = {
            "arguments": arguments,
            "directory": os.getcwd(),
            "environment": environment,
            "umask": current_umask(),
        }
        empty, end = os.pipe()
        os.close(end)
        try:
            return ForkedProcess(template, request, [empty, stdout, stderr])
        except BaseException as error:  # Ctrl-C too: the answer may be lost
            with self._lock:
                self._templates.pop(key, template).close()
            if isinstance(error, OSError):
                raise CannotFork(error.strerror) from None
            raise
        finally:
            os.close(empty)

    def close(self) -> None:
        """End the templates."""
        while self._templates:
            self._templates.popitem()[1].close()

    def _template(self, key: Key, executable: str, environment: dict[str, str]) -> ForkServer:
        if self._pid != os.getpid():
            self._of_parents.append(self._templates)
            self._templates, self._pid = {}, os.getpid()
        template = self._templates.pop(key, None)
        if template and template.has_ended:
            template.close()
            template = None
        if fault := self._faults.get(key):
            raise CannotFork(fault)
        if template is None:
            idle = [other for other, each in self._templates.items() if not each.running]
            for other in idle[: max(len(self._templates) + 1 - _MOST, 0)]:
                self._templates.pop(other).close()
            try:
                template = ForkServer(executable, environment, self._preload)
            except CannotFork as fault:
                self._faults[key] = str(fault)
                raise
        self._templates[key] = template  # last, as the one that was just used
        return template


def needs_interpreter(environment: dict[str, str]) -> bool:
    """Whether something that Python does when it starts depends on the directory, so that no template will do."""
    cache = environment.get("PYTHONPYCACHEPREFIX", "/")
    return "COVERAGE_PROCESS_START" in environment or not os.path.isabs(cache)


def _given_at_start(environment: dict[str, str]) -> tuple[object, ...]:
    """What a process is given when it starts, and not later: where it differs, it takes another template."""
    variables = (item for item in environment.items() if item[0].startswith(_READ_AT_START))
    home = environment.get("HOME", "")
    return (
        home if Path(home, ".local").is_dir() else "",  # the user's own site-packages
        *map(_modified_ns, site.getsitepackages()),  # their .pth files
        os.getresuid(),
        os.getresgid(),
        frozenset(os.getgroups()),
        *sorted(item for item in variables if item[0] != _SET_IN_CHILD),
        *map(resource.getrlimit, _LIMITS),
        frozenset(number for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN),
        frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    )


def _modified_ns(directory: str) -> int:
    try:
        return os.stat(directory).st_mtime_ns
    except OSError:
        return 0


def _request(pid: int | None = None) -> bytes:
    """To wait for that child, or to start one."""
    return json.dumps({"wait": pid}).encode()


def _not_standard(end: socket.socket) -> socket.socket:
    """The same socket by a descriptor that is none of the three standard ones, which the caller may have closed."""
    with end:
        return socket.socket(fileno=fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3))
