"""Forks: whether this process may have children by fork, and how such a child counts its coverage and ends."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import Any, NoReturn

TASKS = "/proc/self/task"
_OPENBLAS = re.compile(r"\S+/lib\w*openblas\S*\.so\S*")
_RUNTIMES = re.compile(r"lib(?:g|i|)omp\d*\b")
# Names of one function in the builds of OpenBLAS: those of numpy's and scipy's wheels, and of distributions.
_THREADS_OF_OPENBLAS = (
    "scipy_openblas_get_num_threads64_",
    "scipy_openblas_get_num_threads",
    "openblas_get_num_threads64_",
    "openblas_get_num_threads",
)


def foreign_threads() -> int:
    """
    Threads of the process that Python knows nothing of: those of OpenMP, OpenBLAS, CUDA.

    Reference: proc(5), ``/proc/pid/task``. 0 where there is no ``/proc``.
    """
    try:
        return len(os.listdir(TASKS)) - len(sys._current_frames())
    except OSError:
        return 0


def threads_of_imports() -> int:
    """
    Those among the foreign threads that the import of numpy or scipy starts: OpenBLAS's.

    They do no harm: OpenBLAS ends them before a fork, and starts them when it is used again.
    """
    if foreign_threads() == 0:
        return 0  # and ctypes isn't needed
    import ctypes

    threads = 0
    for library in dict.fromkeys(_OPENBLAS.findall(_maps())):
        loaded = ctypes.CDLL(library)
        ask = next((getattr(loaded, name) for name in _THREADS_OF_OPENBLAS if hasattr(loaded, name)), None)
        threads += ask() - 1 if ask else 0
    return threads


def why_not_fork(allowed_threads: int) -> str:
    """
    Why a child of this process by fork could not compute; empty where it could.

    A parallel operation starts the threads of OpenMP. A child has none of them, while OpenMP believes that they are
    there: its next parallel operation waits for them for ever. Reference: pytorch issue 17199.

    Args:
        allowed_threads: As many foreign threads as there are where nothing has been computed yet.
    """
    if fault := _why_no_cuda():
        return fault
    extra = foreign_threads() - allowed_threads
    if extra <= 0:
        return ""
    runtimes = sorted(_waiting_in(_RUNTIMES))
    by = f" of {', '.join(runtimes)}: something has computed" if runtimes else " that no import leaves"
    return f"it has {extra} thread{'s' if extra > 1 else ''}{by}"


def flush() -> None:
    """Write out what Python has buffered: before a fork, or both sides would write it."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):  # closed, or replaced by something that can't
            stream.flush()  # type: ignore[union-attr]


def save_coverage() -> None:
    """Write what coverage has counted in this process to a data file of its own; nothing where it doesn't count."""
    coverage = sys.modules.get("coverage")
    current = coverage.Coverage.current() if coverage else None
    if current:
        with suppress(Exception):  # a test may have stopped it
            current.save()


def end(status: int) -> NoReturn:
    """End this process, a child by fork: flushed and counted, without the 0.5 s that torch takes to shut down."""
    flush()
    save_coverage()
    os._exit(status)


def _why_no_cuda() -> str:
    cuda: Any = sys.modules.get("torch.cuda")
    # A stand-in, or a module that has been put off, knows nothing of CUDA, and is not to be asked.
    facts = vars(cuda) if type(cuda) is type(sys) else {}
    if "_is_in_bad_fork" in facts and facts["_is_in_bad_fork"]() is True:
        return "it was forked from a process that had initialised CUDA"
    if "is_initialized" in facts and facts["is_initialized"]() is True:
        return "it has initialised CUDA"
    return ""


def _maps() -> str:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            return maps.read()
    except OSError:
        return ""


def _waiting_in(libraries: re.Pattern[str]) -> set[str]:
    """The names of those libraries that threads of this process wait in, as far as the system tells."""
    found = set()
    ranges = [line.split(maxsplit=5) for line in _maps().splitlines() if libraries.search(line)]
    for task in os.listdir(TASKS):
        with suppress(OSError, ValueError, IndexError):  # it has ended, runs, or is not to be looked at
            with open(f"{TASKS}/{task}/syscall", encoding="ascii") as syscall:
                counter = int(syscall.read().split()[-1], 16)
            for line in ranges:
                begin, _, until = line[0].partition("-")
                if int(begin, 16) <= counter < int(until, 16):
                    found.add(os.path.basename(line[5]))
    return found
