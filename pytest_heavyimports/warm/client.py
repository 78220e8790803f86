"""
``heavyimports run``: hands this process's whole situation to a warm one, and stands for the run that is forked there.

It must start fast, so it takes ``_socket`` and ``_signal``: their public faces import enum and more, which takes twice
the time of all that is done here.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed has the public one alone
import _socket
import atexit
import os
import sys

from .key import identity, name_of, open_directory, socket_directory
from .wire import Decoder, Message, join

TYPE_CHECKING = False  # as in wire.py
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

ATTEMPTS = 3
"""How often a warm process is asked for, or started: the first may be out of date, the second may find that an import
that it has learnt does harm."""
HAS_DIED = 3
"""The exit status of a run whose warm process has died: that of pytest's internal errors."""
KEYBOARD = frozenset((_signal.SIGINT, _signal.SIGQUIT, _signal.SIGTSTP, _signal.SIGCONT, _signal.SIGWINCH))
"""What a terminal sends to all that was started from it; other signals are for one process."""
PASSED_ON = KEYBOARD | {_signal.SIGTERM, _signal.SIGHUP, _signal.SIGUSR1, _signal.SIGUSR2}
OF_THE_RUN = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COV_CORE_SOURCE")
"""What starts the measuring of a process that a test has started, before its first line: not that of a warm one."""


def run(arguments: Sequence[str]) -> int:
    """
    Run pytest with these arguments in a child of a warm process, started where there is none; else here.

    Returns:
        The exit status of pytest. A run that a signal has ended ends this process by the same signal.
    """
    if sys.platform != "linux":
        return run_plainly(arguments, f"a warm process needs Linux, and this is {sys.platform}")
    try:
        return _run_warm(arguments)
    except OSError as error:
        return run_plainly(arguments, str(error))
    except RuntimeError as error:  # those of errors.py, which is not imported until one is raised
        if getattr(error, "has_begun", False):
            print(f"heavyimports run: {error}, and this run with it. Type it again.", file=sys.stderr, flush=True)
            return HAS_DIED
        return run_plainly(arguments, str(error))


def run_plainly(arguments: Sequence[str], why: str) -> int:
    """Let pytest take this process's place, with a line that says why."""
    print(f"heavyimports run: this is a plain run: {why}.", file=sys.stderr, flush=True)
    import subprocess

    from ..interpreter import interpreter_flags

    script, *rest = command_line(arguments)
    program = [script] if os.path.exists(script) else ["-m", "pytest"]
    command = [sys.executable, *interpreter_flags(), *program, *rest]
    if sys.platform != "win32":
        os.execv(sys.executable, command)
    return subprocess.call(command)  # Windows can't put another program in the place of this one


def command_line(arguments: Sequence[str]) -> list[str]:
    """``sys.argv`` of pytest, called by its own command."""
    return [os.path.join(os.path.dirname(sys.executable), "pytest"), *arguments]


class Connection:
    """A connection to a warm process of this user."""

    def __init__(self, peer: _socket.socket) -> None:
        self._peer = peer
        self._decoder = Decoder()
        self._received: list[Message] = []

    def wait_at_most(self, seconds: float) -> None:
        """From now on, raise TimeoutError where the other side takes longer."""
        self._peer.settimeout(seconds)

    def send(self, message: Message, files: Sequence[int] = ()) -> None:
        """Send a message, and files with it."""
        data = memoryview(message.encode())
        if files:
            numbers = b"".join([number.to_bytes(4, sys.byteorder) for number in files])
            control = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)]
            data = data[self._peer.sendmsg([data], control) :]
        # All may be through, the answer and the end of the connection too: sendall calls send for no bytes as well.
        if data:
            self._peer.sendall(data)

    def receive(self) -> Message | None:
        """The next message; ``None`` where the other side is gone."""
        while not self._received:
            try:
                data = self._peer.recv(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self._received += self._decoder.feed(data)
        return self._received.pop(0)

    def close(self) -> None:
        """Hang up."""
        self._peer.close()


def connect(directory: int, name: str) -> Connection | None:
    """
    Ask for a connection to the warm process of this name; ``None`` where nobody answers.

    Raises:
        PermissionError: It is not this user's.
    """
    peer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        peer.connect(socket_path(directory, name))
    except (FileNotFoundError, ConnectionRefusedError):
        peer.close()
        return None
    if peer_user(peer) != os.geteuid():
        raise PermissionError("the warm process is another user's")
    return Connection(peer)


def socket_path(directory: int, name: str) -> str:
    """Short enough for a socket wherever the directory is, and in that directory whatever becomes of its name."""
    return f"/proc/self/fd/{directory}/{name}.sock"


def peer_user(peer: _socket.socket) -> int:
    """The user id of who is at the other end, as the kernel tells it: the second of three numbers; unix(7)."""
    credentials = peer.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[4:8], sys.byteorder)


def situation(kind: str, files: Sequence[int], **fields: bytes | int) -> Message:
    """All that a run takes over from the process that it stands for."""
    import resource

    mask = os.umask(0)
    os.umask(mask)
    limits = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return Message(
        kind,
        blocked=join([str(int(number)) for number in _signal.pthread_sigmask(_signal.SIG_BLOCK, ())]),
        directory=os.getcwd(),
        environment=environment(),
        files=join([str(number) for number in files]),
        ignored=join([str(number) for number in range(1, _signal.NSIG) if _is_ignored(number)]),
        limits=join([f"{name} {soft} {hard}" for name in limits for soft, hard in [_limit(resource, name)]]),
        umask=mask,
        **fields,
    )


def environment() -> bytes:
    """The variables of this process, as a field of a message."""
    return join([name + b"=" + value for name, value in os.environb.items()])


def open_files() -> list[int]:
    """The files that a program started from here would have: standard input and output, and what a shell opened."""
    files = []
    for entry in os.listdir("/proc/self/fd"):
        try:
            if os.get_inheritable(int(entry)):
                files.append(int(entry))
        except OSError:
            continue  # that of the listing itself
    return sorted(files)


def accompany(connection: Connection) -> int:
    """
    Pass signals on to the run until it has ended; its exit status.

    Raises:
        NoWarmProcess: The warm process is gone, or can't do it; there is no run any more.
    """
    started = 0

    def pass_on(number: int, _: FrameType | None) -> None:
        # A group that has no part of its session outside of it, as the run's is, can't be stopped by SIGTSTP.
        sent = _signal.SIGSTOP if number == _signal.SIGTSTP else number
        connection.send(Message("signal", number=sent, whole=int(number in KEYBOARD)))
        if number == _signal.SIGTSTP:
            os.kill(os.getpid(), _signal.SIGSTOP)

    for number in PASSED_ON:
        if not _is_ignored(number):
            _signal.signal(number, pass_on)
    try:
        while message := connection.receive():
            if message.kind == "started":
                started = message.number("process")
            elif message.kind == "ended":
                return message.number("status")
            elif message.kind in ("stale", "unfit"):
                raise _no_warm_process(message.text("why"), is_final=message.kind == "unfit")
    finally:
        for number in PASSED_ON:
            if not _is_ignored(number):
                _signal.signal(number, _signal.default_int_handler if number == _signal.SIGINT else _signal.SIG_DFL)
    if started:
        _end_group(started)
    raise _no_warm_process("the warm process has died", is_final=bool(started), has_begun=bool(started))


def end_as(status: int) -> int:
    """End by the signal that has ended the run, if one has; else with its exit status."""
    number = status & 0x7F
    if number == 0:
        # What the interpreter would still do takes half the time of a fork, and there is nothing for it to do.
        if sys.stdout and sys.stderr and not getattr(atexit, "_ncallbacks", lambda: 1)():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status >> 8)
        return status >> 8
    if number not in (_signal.SIGKILL, _signal.SIGSTOP):
        _signal.signal(number, _signal.SIG_DFL)
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # the run has left one
    os.kill(os.getpid(), number)
    return 128 + number  # where the signal is blocked


def _run_warm(arguments: Sequence[str]) -> int:
    files = open_files()
    _occupy_standard_files(files)
    directory = open_directory(socket_directory())
    name = name_of(identity())
    request = situation(
        "run",
        files,
        arguments=join(command_line(arguments)),
        path=join(sys.path),
    )
    why = ""
    for _ in range(ATTEMPTS):
        connection = connect(directory, name)
        if connection is None:
            from .starting import start

            connection = start(directory, name)
        try:
            connection.send(request, files)
            status = accompany(connection)
        except (BrokenPipeError, ConnectionResetError):
            fault = "the warm process has just ended"
        except RuntimeError as error:
            if getattr(error, "is_final", True):
                raise
            fault = str(error)
        else:
            return end_as(status)
        finally:
            connection.close()
        if not why:  # a second one that is of no use changes nothing for the user
            started = "A new one is started, and this run takes as long as a plain one."
            print(f"heavyimports run: {fault}. {started}", file=sys.stderr, flush=True)
        why = fault
    raise _no_warm_process(why)


def _occupy_standard_files(files: Sequence[int]) -> None:
    """See that none of the files that are opened here is taken for standard input or output, where there is none."""
    for number in range(3):
        if number not in files:
            os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)  # gets the lowest number that is free


def _no_warm_process(why: str, *, is_final: bool = True, has_begun: bool = False) -> Exception:
    from ..errors import NoWarmProcess

    return NoWarmProcess(why, is_final=is_final, has_begun=has_begun)


def _is_ignored(number: int) -> bool:
    try:
        return bool(_signal.getsignal(number) == _signal.SIG_IGN)
    except ValueError:
        return False  # no signal of that number


def _limit(resource: object, name: str) -> tuple[int, int]:
    limit: tuple[int, int] = resource.getrlimit(getattr(resource, name))  # type: ignore[attr-defined]  # the module
    return limit


def _end_group(process: int) -> None:
    try:
        os.killpg(process, _signal.SIGKILL)
    except ProcessLookupError:
        return
