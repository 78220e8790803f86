"""
What a child of the warm process does: it takes over its client's situation, runs, tells what it learnt, and ends.

A run begins when its client has been told ``started``, which this child does itself, and in no other case.
"""

from __future__ import annotations

# Imports in functions: the warm process, which loads this file, needs none of it; each run has to have its own.
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from json import dumps  # now: packages replace them
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from ..process import forking, shutdown
from .client import CONFINED_BY, confinement
from .connection import OF_THE_RUN
from .pages import faults
from .wire import Message, join, tell

if TYPE_CHECKING:
    from .preload import Preload

BROKEN_OUTPUT = 120
"""As Python ends where it can't write what it has left to write."""


class Request:
    """What a client asks for, and in which situation it is to be done."""

    def __init__(self, message: Message) -> None:
        """
        Args:
            message: As ``client.situation`` makes it.

        Raises:
            MessageRefused: It is no such message.
        """
        self.kind = message.kind
        self.arguments = [os.fsdecode(part) for part in message.parts("arguments")]
        self.directory = message.text("directory")
        self.environment = environment_of(message)
        self.path = [os.fsdecode(part) for part in message.parts("path")]
        self.umask = message.number("umask")
        self.numbers = [int(part) for part in message.parts("files")]
        self.blocked = {int(part) for part in message.parts("blocked")}
        self.ignored = {int(part) for part in message.parts("ignored")}
        limits = [os.fsdecode(part).split() for part in message.parts("limits")]
        self.limits = [(getattr(resource, name), int(soft), int(hard)) for name, soft, hard in limits]
        self.confinement = message.parts("confinement")

    def limits_fault(self) -> str:
        """Why a child of this process can't have the client's limits, which may be higher; empty where it can."""
        for number, _, hard in self.limits:
            own = resource.getrlimit(number)[1]
            if own != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or hard > own):
                return "the warm process was started under lower limits"
        return ""

    def confinement_fault(self) -> str:
        """What keeps the client from something that a child of this process could do; empty if nothing that is seen."""
        its, own = dict(zip(CONFINED_BY, self.confinement)), dict(zip(CONFINED_BY, map(os.fsencode, confinement())))
        other = next((what for what in CONFINED_BY if its.get(what) != own[what]), "")
        return other and f"it has another {other} than the warm process"


def environment_of(message: Message) -> dict[str, str]:
    """The variables that a client has sent."""
    pairs = [os.fsdecode(part).partition("=") for part in message.parts("environment")]
    return {name: value for name, _, value in pairs}


class Run:
    """A request in the child that is to do it, with what it has from its parent."""

    def __init__(self, request: Request, files: list[int], client: int, report: int, preload: Preload) -> None:
        """
        Args:
            request: What is to be done.
            files: The client's, in the order of the request's numbers.
            client: The connection to it.
            report: Where to tell the warm process what was learnt.
            preload: What is imported already.
        """
        self._request = request
        self._files = files
        self._client = client
        self._report = report
        self._inherited: dict[int, str] = {}
        """The files that it began with."""
        self.preload = preload

    def carry_out(self) -> None:
        """
        Do what is asked, as a process would that was started for it, and end.

        Raises:
            SystemExit: Something is to be written yet that only the end of the interpreter writes.
        """
        if fault := self._become():
            self._tell(Message("unfit", why=fault))
            os._exit(0)
        self._begin()
        faults_before = faults()
        status = _run(self._pytest if self._request.kind == "run" else self._worker)
        with suppress(Exception):  # what tests leave in sys.modules may be anything
            self._tell_learnt()
        for name, why in self.preload.doubts.items() if sys.stderr else ():
            print(f"heavyimports: this run may differ from a plain one: {name} is warm, but {why}.", file=sys.stderr)
        is_on_gpu = any(target.startswith(forking.GPU_DEVICES) for target in forking.open_files().values())
        status = _finish(status)
        if isinstance(status, signal.Signals):
            signal.signal(status, signal.SIG_DFL)
            os.kill(os.getpid(), status)
            os._exit(128 + status)  # where the signal is blocked
        if self._has_files_to_write():
            sys.exit(status & 0xFF)
        if not is_on_gpu:
            self._let_go(status)
            if self._request.kind == "run":
                self._tell_pages(faults_before)
        os._exit(status & 0xFF)

    def _begin(self) -> None:
        """Tell the client that its run has started; where it is gone, or has given up, there is none."""
        try:
            os.write(self._client, Message("started", process=os.getpid()).encode())
        except OSError:
            os._exit(0)
        os.close(self._client)
        self._inherited = forking.open_files()

    def _has_files_to_write(self) -> bool:
        """
        Whether it has a file open for writing that no object of Python's has: C code does, as that of HDF5.

        Nothing but the end of the interpreter can be trusted to write it out, which takes 0.2 s with torch, and more
        than all else of a run: measured with torch 2.13.0.
        """
        import fcntl

        for number, target in forking.open_files().items():
            if self._inherited.get(number) != target and target[0] == "/" and not target.endswith(" (deleted)"):
                with suppress(OSError):
                    is_written = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
                    if is_written and os.path.isfile(target):
                        return True
        return False

    def tell_settings(self, idle_s: int, modules: list[str]) -> None:
        """Tell how long to wait for the next run, and what is declared, whether this run imports it or not."""
        self._tell(Message("settings", idle=idle_s, modules=join(modules)))

    def give_up(self, why: str) -> NoReturn:
        """End before anything is tested: a plain run is needed."""
        self._tell(Message("unfit", why=why))
        shutdown.flush()
        os._exit(1)

    def _let_go(self, status: int) -> None:
        """
        Tell how it ends, so that the client need not wait until the kernel has taken the process apart.

        That takes 10 ms with torch. What others could wait for is let go first: files, sockets, locks. The memory of a
        GPU can't be, so that a run that uses one doesn't come here.
        """
        for number in forking.open_files().keys() - {self._report}:
            with suppress(OSError):  # another thread was faster
                os.close(number)
        self._tell(Message("ended", status=(status & 0xFF) << 8))

    def _tell_pages(self, faults_before: int) -> None:
        """Tell what it has written to, when nobody waits for it any more."""
        with suppress(Exception):  # what is left of the run must not keep it from its end
            if numbers := self.preload.pages.report(faults_before):
                self._tell(Message("pages", numbers=numbers))

    def _tell(self, message: Message) -> None:
        """Tell the warm process something, now."""
        with suppress(OSError):  # it is gone
            tell(self._report, message)

    def _become(self) -> str:
        """Take over the client's situation; why that can't be done, or nothing."""
        try:
            self._take_over()
        except Exception as error:  # whatever it is, nothing has begun
            return f"a child of the warm process can't be as this one is: {error}"
        return ""

    def _take_over(self) -> None:
        request = self._request
        os.setpgid(0, 0)
        self._take_files()
        _take_signals(request.ignored, request.blocked)
        os.chdir(request.directory)
        os.umask(request.umask)
        os.environ.clear()
        os.environ.update(request.environment)
        time.tzset()
        random.seed()
        self.preload.begin(request.environment)
        self.preload.release()
        sys.argv = request.arguments
        sys.orig_argv = [sys.executable, *request.arguments]
        if request.path:
            sys.path[:] = request.path
        for limit in request.limits:
            resource.setrlimit(limit[0], limit[1:])

    def _start_coverage(self) -> None:
        if any(name in os.environ for name in OF_THE_RUN):
            import coverage

            coverage.process_startup()

    def _take_files(self) -> None:
        numbers = self._request.numbers
        highest = max([*numbers, 2]) + 1
        # Out of the way first: a file of ours may have the number that one of the client's is to have.
        self._report = _moved(self._report, highest)
        self._client = _moved(self._client, highest)
        files = [_moved(file, highest) for file in self._files]
        for number in (0, 1, 2):
            if number not in numbers:
                os.close(number)
        for number, file in zip(numbers, files):
            os.dup2(file, number)
            os.close(file)
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            if number not in numbers:
                setattr(sys, name, None)
                setattr(sys, f"__{name}__", None)
        if sys.stdout:
            sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]  # the interpreter's own

    def _pytest(self) -> int:
        self._start_coverage()
        import pytest

        from .hooks import WarmRunHooks

        if os.path.exists(script := self._request.arguments[0]):
            _replace_main(script)
        else:
            _replace_main(pytest.__file__, find_spec("pytest.__main__"))
        self.preload.may_give_up(self.give_up, self._tell)
        try:
            status = pytest.main(plugins=[WarmRunHooks(self)])
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 1
        return int(status)

    def _worker(self) -> int:
        """As ``python -c``, which is how execnet starts one."""
        self._start_coverage()
        main = _replace_main()
        code = self._request.arguments[-1]
        sys.argv = ["-c"]
        exec(compile(code, "<string>", "exec"), vars(main))
        return 0

    def _tell_learnt(self) -> None:
        if learnt := self.preload.learnt():
            self._tell(Message("learnt", modules=join(dumps(module) for module in learnt)))
        if doubts := self.preload.doubts:
            self._tell(Message("doubts", modules=join(dumps(doubt) for doubt in doubts.items())))


def _take_signals(ignored: set[int], blocked: set[int]) -> None:
    """As in a fresh interpreter, which ignores and blocks what its parent does."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        wanted: Any = signal.SIG_IGN if number in ignored else signal.SIG_DFL
        if number == signal.SIGINT and number not in ignored:
            wanted = signal.default_int_handler
        if signal.getsignal(number) not in (wanted, None):
            signal.signal(number, wanted)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _moved(file: int, least: int) -> int:
    """A copy of an open file with a number that is not lower; the other one is closed."""
    import fcntl

    moved = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, least)
    os.close(file)
    return moved


def _replace_main(file: str | None = None, spec: ModuleSpec | None = None) -> ModuleType:
    """Put a fresh ``__main__`` in; multiprocessing looks there for what its children are to import."""
    main = ModuleType("__main__")
    main.__spec__ = spec
    if file:
        main.__file__ = file
    main.__builtins__ = __builtins__  # type: ignore[attr-defined]
    sys.modules["__main__"] = main
    if "__mp_main__" in sys.modules:  # multiprocessing's own name for it
        sys.modules["__mp_main__"] = main
    return main


def _run(function: Callable[[], int]) -> int | signal.Signals:
    """Call it as an interpreter runs a program; its exit status, or the signal that it is to end by."""
    try:
        return function()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        sys.excepthook(*sys.exc_info())
        return signal.SIGINT
    except BaseException:
        sys.excepthook(*sys.exc_info())
    return 1


def _finish(status: int | signal.Signals) -> int | signal.Signals:
    """
    End as an interpreter does, up to the point where it takes itself apart.

    Returns:
        The exit status, or the signal to end by.
    """
    with suppress(BaseException):
        _join_threads()
    with suppress(BaseException):
        shutdown.run_exit_functions()
    is_written = shutdown.flush_standard_streams()
    with suppress(BaseException):
        shutdown.finalize()
    is_written = shutdown.flush_standard_streams() and is_written
    return status if is_written else BROKEN_OUTPUT


def _join_threads() -> None:
    """Wait for threads, and call what concurrent.futures has registered for this moment."""
    join_all = getattr(threading, "_shutdown", None)
    if join_all:
        join_all()
        return
    for thread in threading.enumerate():  # a Python to come
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
