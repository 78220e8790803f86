"""
``heavyimports run``: hands this process's whole situation to a warm one, and stands for the run that is forked there.

Until the run has told that it has *started*, a signal ends this process as it would end any, and whatever goes wrong
leads to a plain run. From then on signals are passed on to the run, and nothing makes this process begin it again.

It must start fast, so it takes ``_socket`` and ``_signal``: their public faces import enum and more, which takes twice
the time of all that is done here.
"""

from __future__ import annotations

# Imports in functions: this starts before each warm run, and what such a run rarely needs takes longer than all else.
import _signal  # type: ignore[import-not-found]  # typeshed has the public one alone
import atexit
import os
import sys
import time

from .connection import LOOK_S, PLAIN, SILENCE_S, Connection, command_line, computed_by, connect
from .key import identity, name_of, open_directory, socket_directory
from .wire import Message, join

TYPE_CHECKING = False  # as in wire.py
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

OF_PYTEST_ITSELF = frozenset(("-h", "--help", "-V", "--version"))
"""With these no test is run, and no process is left behind."""
ATTEMPTS = 3
"""How often a warm process is asked for, or started: the first may be out of date, the second may find that an import
that it has learnt does harm."""
TESTS_FAILED = 1
"""The exit status of pytest."""
UNKNOWN_END = 70
"""The exit status where nobody can tell how the run has ended. pytest has none such; EX_SOFTWARE in sysexits(3)."""
LIMIT_S = 300.0
"""How long it may take to answer at all: a single import may take 120 s there."""
TOLD_S = 1.0
"""A longer wait for it is told."""
KEYBOARD = frozenset((_signal.SIGINT, _signal.SIGQUIT, _signal.SIGTSTP, _signal.SIGCONT, _signal.SIGWINCH))
"""What a terminal sends to all that was started from it; other signals are for one process."""
PASSED_ON = KEYBOARD | {_signal.SIGTERM, _signal.SIGHUP, _signal.SIGUSR1, _signal.SIGUSR2}
CONFINED_BY = ("root directory", "security label")
"""What a process is confined by besides what is in the key: see :func:`confinement`."""


def run(arguments: Sequence[str]) -> int:
    """
    Run pytest with these arguments in a child of a warm process, started where there is none; else here.

    Returns:
        The exit status of pytest. A run that a signal has ended ends this process by the same signal.
    """
    if arguments and arguments[0] == "--verify":
        from .verify import verify

        return verify(arguments[1:])
    if sys.platform != "linux":
        return run_plainly(arguments, f"a warm process needs Linux, and this is {sys.platform}")
    if not OF_PYTEST_ITSELF.isdisjoint(arguments):
        return run_plainly(arguments)
    try:
        status = _run_warm(arguments)
    except (OSError, RuntimeError) as error:  # those of errors.py, which is not imported until one is raised
        if getattr(error, "has_begun", False):
            print(f"heavyimports run: {error}. Type it again.", file=sys.stderr, flush=True)
            return UNKNOWN_END
        return run_plainly(arguments, str(error))
    if status == TESTS_FAILED << 8:
        compare = " ".join(["heavyimports run --verify", *arguments])
        print(f"heavyimports run: this was a warm run; to compare it with a plain one: {compare}", file=sys.stderr)
    return end_as(status)


def run_plainly(arguments: Sequence[str], why: str = "") -> int:
    """Let pytest take this process's place, with a line that says why, if there is a reason to be told."""
    if why:
        print(f"heavyimports run: {PLAIN}{why}.", file=sys.stderr, flush=True)
    import subprocess

    from ..process.interpreter import interpreter_flags

    script, *rest = command_line(arguments)
    program = [script] if os.path.exists(script) else ["-m", "pytest"]
    command = [sys.executable, *interpreter_flags(), *program, *rest]
    if sys.platform != "win32":
        os.execv(sys.executable, command)
    return subprocess.call(command)  # Windows can't put another program in the place of this one


def confinement() -> list[str]:
    """What else decides what this process may do, in the order of :data:`CONFINED_BY`."""
    root = os.stat("/")
    label = b""
    try:
        with open("/proc/self/attr/current", "rb") as file:
            label = file.read().rstrip(b"\0\n")
    except OSError:
        pass  # a kernel without such a module
    return [f"{root.st_dev}:{root.st_ino}", os.fsdecode(label)]


def sandbox() -> str:
    """
    Why this process may be less allowed to do than other processes here of this user; empty where it isn't.

    A program that gives up rights, by seccomp or Landlock, forbids itself to get new ones first. Which rights those
    are, the kernel doesn't tell. In a container all processes are so, the first one too.
    """
    own = _restrictions("self")
    if own and own != _restrictions("1"):
        return f"it runs in a sandbox ({', '.join(own)}), and a warm process might not"
    return ""


def _restrictions(process: str) -> list[str]:
    found = []
    try:
        with open(f"/proc/{process}/status", encoding="utf-8", errors="replace") as status:
            for line in status:
                name, _, value = line.partition(":")
                if name in ("NoNewPrivs", "Seccomp", "Seccomp_filters") and value.strip() != "0":
                    found.append(f"{name} {value.strip()}")
    except OSError:
        pass
    return found


def situation(kind: str, files: Sequence[int], **fields: bytes | int) -> Message:
    """All that a run takes over from the process that it stands for."""
    import resource

    mask = os.umask(0)
    os.umask(mask)
    limits = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    return Message(
        kind,
        blocked=join([str(int(number)) for number in _signal.pthread_sigmask(_signal.SIG_BLOCK, ())]),
        confinement=join(confinement()),
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


def accompany(connection: Connection, request: Message, files: Sequence[int]) -> int:
    """
    Ask for a run, wait until it has started, then pass signals on to it until it has ended; its exit status.

    Raises:
        NoWarmProcess: There is no run, or nobody can tell how it has ended.
    """
    began = time.monotonic()
    connection.wait_at_most(SILENCE_S)
    try:
        # One that is stopped would hold the files, and who reads from a pipe among them would wait for its end.
        connection.send(Message("hello"))
        _wait_for(connection, "hello", began)
        connection.send(request, files)
        process = _wait_for(connection, "started", began).number("process")
    except ConnectionError:
        raise _no_warm_process("the warm process has just ended", is_final=False) from None
    except TimeoutError:
        raise _no_warm_process(_silent(connection.process, SILENCE_S)) from None

    def pass_on(number: int, _: FrameType | None) -> None:
        # A group that has no part of its session outside of it, as the run's is, can't be stopped by SIGTSTP.
        sent = _signal.SIGSTOP if number == _signal.SIGTSTP else number
        _send(process, sent, is_whole=number in KEYBOARD)
        if number == _signal.SIGTSTP:
            os.kill(os.getpid(), _signal.SIGSTOP)

    if (seconds := time.monotonic() - began) > TOLD_S:
        print(f"heavyimports run: waited {seconds:.1f} s for the warm process.", file=sys.stderr, flush=True)
    passed_on = [number for number in PASSED_ON if not _is_ignored(number)]
    for number in passed_on:
        _signal.signal(number, pass_on)
    try:
        return _wait_for_end(connection, process)
    finally:
        for number in passed_on:
            _signal.signal(number, _signal.default_int_handler if number == _signal.SIGINT else _signal.SIG_DFL)


def _wait_for(connection: Connection, answer: str, began: float) -> Message:
    """The answer of a warm process that was asked at that time."""
    heard, computed = began, None
    connection.wait_at_most(LOOK_S)
    while True:
        try:
            message = connection.receive()
        except TimeoutError:
            now, computes = time.monotonic(), computed_by(connection.process)
            if computes != computed:
                heard, computed = now, computes
            if now - heard < SILENCE_S and now - began < LIMIT_S:
                continue
            message = connection.give_up() or Message("unfit", why=_silent(connection.process, now - began))
        if message is None:
            raise _no_warm_process("the warm process has just ended", is_final=False)
        if message.kind == answer:
            return message
        if message.kind == "ended":
            raise _no_warm_process(f"a child of the warm process {_death(message.number('status'))} at its begin")
        if message.kind in ("stale", "unfit"):
            raise _no_warm_process(message.text("why"), is_final=message.kind == "unfit")


def _wait_for_end(connection: Connection, process: int) -> int:
    """The status of the run, as waitpid gives it."""
    since = None
    while True:
        try:
            message = connection.receive()
        except TimeoutError:
            if computed_by(process) is not None:
                continue  # it is there
            since = since or time.monotonic()
            if time.monotonic() - since < SILENCE_S:
                continue
            fault = f"the run has ended, and {_silent(connection.process, SILENCE_S)}"
            raise _no_warm_process(fault, has_begun=True) from None
        except (OSError, RuntimeError) as error:  # what a test has written to a file that isn't its own
            message, fault = None, f"the warm process can't be understood any more: {error}"
        else:
            fault = "the warm process has died, and this run with it"
        if message is None:
            _send(process, _signal.SIGKILL, is_whole=True)
            raise _no_warm_process(fault, has_begun=True)
        if message.kind == "ended":
            return message.number("status")
        if message.kind == "unfit":  # so says the run itself, before its first test
            raise _no_warm_process(message.text("why"))


def _silent(process: int, seconds: float) -> str:
    return f"the warm process {process} has not answered for {seconds:.0f} s; 'kill -9 {process}' ends it"


def _death(status: int) -> str:
    number = status & 0x7F
    return f"was killed by signal {number}" if number else f"has ended with exit status {status >> 8}"


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
    if fault := sandbox():
        raise _no_warm_process(fault)
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
            return accompany(connection, request, files)
        except RuntimeError as error:
            if getattr(error, "is_final", True):
                raise
            fault = str(error)
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


def _send(process: int, number: int, *, is_whole: bool) -> None:
    """Send a signal to a run, or to the *whole* of its process group."""
    try:
        (os.killpg if is_whole else os.kill)(process, number)
    except OSError:
        return  # it has just ended
