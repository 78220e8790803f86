"""Forks: whether this process may have children by fork."""

from __future__ import annotations

# Imports in functions: ctypes takes 5 ms, and may be missing.
import gc
import os
import re
import signal
import sys
import time
from contextlib import suppress
from typing import Any

GPU_DEVICES = ("/dev/nvidia", "/dev/kfd", "/dev/dri/render")
"""How the files begin by which a process uses a GPU."""
TASKS = "/proc/self/task"
FORGOTTEN_S = 0.05
"""How long the system may still have a thread that Python has forgotten, since it has ended."""
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
        return len(os.listdir(TASKS)) - _threads_of_python()
    except OSError:
        return 0


def _threads_of_python() -> int:
    # Up to Python 3.12 a collection in the middle of it waits for a thread that begins, and that for it: gh-106883.
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        return len(sys._current_frames())
    finally:
        if is_collecting:
            gc.enable()


def threads_of_imports() -> int:
    """
    How many threads the imports of numpy or scipy have started: OpenBLAS's.

    They do no harm: OpenBLAS ends them before a fork, and starts them when it is used again.
    """
    threads = 0
    for library in dict.fromkeys(_OPENBLAS.findall(_maps())):
        import ctypes

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
    threads = foreign_threads()
    if threads and (waiting := _waiting_in(_RUNTIMES)):
        return f"it has {_threads(len(waiting))} of {', '.join(sorted(set(waiting)))}: something has computed"
    extra = threads - allowed_threads
    end = time.monotonic() + FORGOTTEN_S
    while extra > 0 and time.monotonic() < end:
        time.sleep(0.002)
        extra = foreign_threads() - allowed_threads
    return f"it has {_threads(extra)} that no import leaves" if extra > 0 else ""


def end_with_parent() -> None:
    """
    Have the system kill this process when the one that has started it is no more.

    Reference: prctl(2), ``PR_SET_PDEATHSIG``.
    """
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def open_files() -> dict[int, str]:
    """What this process has open, by file descriptor: paths, and the kernel's names for what has none."""
    targets = {}
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the listing
            targets[int(number)] = os.readlink(f"/proc/self/fd/{number}")
    return targets


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


def _threads(number: int) -> str:
    return f"{number} thread{'s' if number > 1 else ''}"


def _waiting_in(libraries: re.Pattern[str]) -> list[str]:
    """For each thread that waits in one of those libraries, as far as the system tells, the library's name."""
    found = []
    ranges = [line.split(maxsplit=5) for line in _maps().splitlines() if libraries.search(line)]
    for task in os.listdir(TASKS):
        with suppress(OSError, ValueError, IndexError):  # it has ended, runs, or is not to be looked at
            with open(f"{TASKS}/{task}/syscall", encoding="ascii") as syscall:
                counter = int(syscall.read().split()[-1], 16)
            for line in ranges:
                begin, _, until = line[0].partition("-")
                if int(begin, 16) <= counter < int(until, 16):
                    found.append(os.path.basename(line[5]))
    return found
