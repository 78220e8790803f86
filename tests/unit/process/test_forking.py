"""What this process must be like to be forked."""

from __future__ import annotations

import os
import sys
import threading
import types
from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.process import forking
from pytest_heavyimports.process.forking import foreign_threads, why_not_fork

from ...support.waiting import wait

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def cuda_module(*, is_initialized: bool = False, is_in_bad_fork: bool = False) -> types.ModuleType:
    """What is asked of ``torch.cuda``."""
    module = types.ModuleType("torch.cuda")
    module.is_initialized = lambda: is_initialized  # type: ignore[attr-defined]
    module._is_in_bad_fork = lambda: is_in_bad_fork  # type: ignore[attr-defined]
    return module


def test_threads_of_python_are_not_foreign() -> None:
    """However they were started."""
    import _thread

    tasks = len(os.listdir(forking.TASKS))
    before, go_on, lock = foreign_threads(), threading.Event(), _thread.allocate_lock()
    lock.acquire()
    thread = threading.Thread(target=go_on.wait)
    thread.start()
    started = threading.Event()
    _thread.start_new_thread(lambda: (started.set(), lock.acquire()), ())
    assert started.wait(10)
    assert foreign_threads() == before
    go_on.set()
    lock.release()
    thread.join()
    wait(lambda: len(os.listdir(forking.TASKS)) <= tasks)  # the next test counts them, too


def test_more_threads_than_allowed() -> None:
    """How many."""
    threads = foreign_threads()
    assert why_not_fork(threads) == ""
    assert why_not_fork(threads - 1) == "it has 1 thread that no import leaves"
    assert why_not_fork(threads - 2) == "it has 2 threads that no import leaves"


def test_a_thread_that_is_about_to_end_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The system has a thread for a moment longer than Python knows of it."""
    files = [tmp_path / str(number) for number in range(threading.active_count() + 2)]
    for file in files:
        file.touch()
    monkeypatch.setattr(forking, "TASKS", str(tmp_path))
    monkeypatch.setattr(forking, "FORGOTTEN_S", 10.0)  # on a busy machine, a timer's moment may be long
    timer = threading.Timer(0.01, lambda: [file.unlink() for file in files[:2]])  # and that of the timer itself
    timer.start()
    allowed = foreign_threads() - 1
    assert why_not_fork(allowed) == ""
    timer.join()


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({}, ""),
        ({"is_initialized": True}, "it has initialised CUDA"),
        ({"is_in_bad_fork": True}, "it was forked from a process that had initialised CUDA"),
    ],
)
def test_cuda(monkeypatch: pytest.MonkeyPatch, facts: dict[str, bool], fault: str) -> None:
    """The torch that is there is asked."""
    monkeypatch.setitem(sys.modules, "torch.cuda", cuda_module(**facts))
    assert why_not_fork(foreign_threads()) == fault


def test_a_stand_in_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would say yes to everything."""

    class StandIn(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    monkeypatch.setitem(sys.modules, "torch.cuda", StandIn("torch.cuda"))
    assert why_not_fork(foreign_threads()) == ""


def test_no_torch_is_imported(fresh: Callable[..., str]) -> None:
    """To ask."""
    assert (
        fresh(
            """
        import sys
        from pytest_heavyimports.process.forking import threads_of_imports, why_not_fork
        fault = why_not_fork(threads_of_imports())
        print(repr(fault), "torch" in sys.modules, "ctypes" in sys.modules)
        """
        )
        == "'' False False\n"
    )
