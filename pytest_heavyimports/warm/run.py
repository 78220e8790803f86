"""What a child of the warm process does: it takes over its client's situation, runs, tells what it learnt, and ends."""

from __future__ import annotations

import atexit
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from json import dumps  # now: packages replace them
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from .. import forking
from .client import OF_THE_RUN
from .pages import faults
from .wire import Message, join

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
        self.limits = [os.fsdecode(part).split() for part in message.parts("limits")]


def environment_of(message: Message) -> dict[str, str]:
    """The variables that a client has sent."""
    pairs = [os.fsdecode(part).partition("=") for part in message.parts("environment")]
    return {name: value for name, _, value in pairs}


class Run:
    """A request in the child that is to do it, with what it has from its parent."""

    def __init__(self, request: Request, files: list[int], report: int, preload: Preload) -> None:
        """
        Args:
            request: What is to be done.
            files: The client's, in the order of the request's numbers.
            report: Where to tell what was learnt.
            preload: What is imported already.
        """
        self._request = request
        self._files = files
        self._report = report
        self.preload = preload
        self._fault = ""
        """Why it can't be done here."""

    def carry_out(self) -> NoReturn:
        """Do what is asked, as a process would that was started for it, and end."""
        faults_before = faults()
        status = _run(self._do)
        if self._fault:
            self._tell(Message("unfit", why=self._fault))
        else:
            with suppress(Exception):  # what tests leave in sys.modules may be anything
                self._tell_learnt()
        status = _finish(status)
        for name, why in self.preload.doubts.items():
            print(f"heavyimports: this run may differ from a plain one: {name} is warm, but {why}.", file=sys.stderr)
        if isinstance(status, signal.Signals):
            signal.signal(status, signal.SIG_DFL)
            os.kill(os.getpid(), status)
        if not self._fault and self._let_go(status) and self._request.kind == "run":
            self._tell_pages(faults_before)
        os._exit(status & 0xFF)

    def tell_settings(self, idle_s: int, modules: list[str]) -> None:
        """Tell how long to wait for the next run, and what is declared, whether this run imports it or not."""
        self._tell(Message("settings", idle=idle_s, modules=join(modules)))

    def give_up(self, why: str) -> NoReturn:
        """End before anything is tested: a plain run is needed."""
        self._tell(Message("unfit", why=why))
        for stream in _streams():
            stream.flush()
        os._exit(1)

    def _let_go(self, status: int) -> bool:
        """
        Tell how it ends, so that the client need not wait until the kernel has taken the process apart; whether it may.

        That takes 10 ms with torch. What others could wait for is let go first: files, sockets, locks. The memory of a
        GPU can't be.
        """
        files = forking.open_files()
        if any(target.startswith(forking.GPU_DEVICES) for target in files.values()):
            return False
        for number in files.keys() - {self._report}:
            with suppress(OSError):  # another thread was faster
                os.close(number)
        self._tell(Message("ended", status=(status & 0xFF) << 8))
        return True

    def _tell_pages(self, faults_before: int) -> None:
        """Tell what it has written to, when nobody waits for it any more."""
        with suppress(Exception):  # what is left of the run must not keep it from its end
            if numbers := self.preload.pages.report(faults_before):
                self._tell(Message("pages", numbers=numbers))

    def _tell(self, message: Message) -> None:
        """Tell the warm process something, now."""
        data = memoryview(message.encode())
        with suppress(OSError):  # it is gone
            while data:
                data = data[os.write(self._report, data) :]

    def _do(self) -> int:
        self._fault = self._become()
        if self._fault:
            return 0
        return self._pytest() if self._request.kind == "run" else self._worker()

    def _become(self) -> str:
        """Take over the client's situation; why that can't be done, or nothing."""
        request = self._request
        os.setpgid(0, 0)
        self._take_files()
        _take_signals(request.ignored, request.blocked)
        try:
            os.chdir(request.directory)
            for name, soft, hard in request.limits:
                resource.setrlimit(getattr(resource, name), (int(soft), int(hard)))
        except (OSError, ValueError) as error:
            return f"it can't be as here in a warm process: {error}"
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
        if any(name in os.environ for name in OF_THE_RUN):
            import coverage

            coverage.process_startup()
        return ""

    def _take_files(self) -> None:
        numbers = self._request.numbers
        highest = max([*numbers, 2]) + 1
        # Out of the way first: a file of ours may have the number that one of the client's is to have.
        self._report = _moved(self._report, highest)
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
        import pytest

        from ..warm_hooks import RunHooks

        if os.path.exists(script := self._request.arguments[0]):
            _replace_main(script)
        else:
            _replace_main(pytest.__file__, find_spec("pytest.__main__"))
        self.preload.may_give_up(self.give_up, self._tell)
        try:
            status = pytest.main(plugins=[RunHooks(self)])
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 1
        return int(status)

    def _worker(self) -> int:
        """As ``python -c``, which is how execnet starts one."""
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
    End as an interpreter does, up to the point where it takes itself apart, which takes half a second with torch.

    Returns:
        The exit status, or the signal to end by.
    """
    with suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as multiprocessing has its children do
        atexit._run_exitfuncs()
        for stream in _streams():
            try:
                stream.flush()
            except (OSError, ValueError):
                if stream is sys.stdout:
                    status = BROKEN_OUTPUT
    return status


def _streams() -> Iterator[Any]:
    for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        if stream is not None and not getattr(stream, "closed", True):
            yield stream
