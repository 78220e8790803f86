"""What a child of the warm process does around a run: what it refuses, and how it ends."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable

import pytest

from pytest_heavyimports.process import shutdown
from pytest_heavyimports.warm.client import situation
from pytest_heavyimports.warm.run import BROKEN_OUTPUT, Request, _finish, _moved, _replace_main, _run
from pytest_heavyimports.warm.wire import Message, join


def request(**fields: bytes | int) -> Request:
    """This process's own, with other fields."""
    message = situation("run", (), arguments=join(["pytest", "-q"]), path=join(["/one", "/two"]))
    return Request(Message("run", **{**message.fields, **fields}))


def test_a_situation_is_taken_over_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in a variable."""
    monkeypatch.setenv("ZED", "a=b\udcff")
    asked = request()
    assert asked.arguments == ["pytest", "-q"]
    assert asked.path == ["/one", "/two"]
    assert asked.directory == os.getcwd()
    assert asked.environment["ZED"] == "a=b\udcff"
    assert (resource.RLIMIT_CORE, *resource.getrlimit(resource.RLIMIT_CORE)) in asked.limits
    assert asked.confinement_fault() == asked.limits_fault() == ""


def test_a_limit_that_is_higher_than_the_own_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process can raise it again."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (10, 10))
    assert request(limits=join(["RLIMIT_NOFILE 10 10"])).limits_fault() == ""
    for higher in (11, resource.RLIM_INFINITY):
        asked = request(limits=join([f"RLIMIT_NOFILE 10 {higher}"]))
        assert asked.limits_fault() == "the warm process was started under lower limits"


def test_another_root_directory_is_refused() -> None:
    """A child could open what the client can't."""
    root, *others = request().confinement
    asked = request(confinement=join([b"1:1", *others]))
    assert root != b"1:1"
    assert asked.confinement_fault() == "it has another root directory than the warm process"


def _raise(error: BaseException) -> Callable[[], int]:
    def program() -> int:
        raise error

    return program


@pytest.mark.parametrize(
    ("program", "status", "errors"),
    [
        (lambda: 5, 5, ""),
        (_raise(SystemExit(3)), 3, ""),
        (_raise(SystemExit()), 0, ""),
        (_raise(SystemExit("a word")), 1, "a word"),
        (_raise(KeyboardInterrupt()), signal.SIGINT, "KeyboardInterrupt"),
        (_raise(ValueError("a fault")), 1, "ValueError: a fault"),
    ],
)
def test_a_program_ends_as_in_an_interpreter(
    capsys: pytest.CaptureFixture[str], program: Callable[[], int], status: int, errors: str
) -> None:
    """Its status, and what it writes."""
    assert _run(program) == status
    assert capsys.readouterr().err.strip().endswith(errors)


def test_the_end_waits_for_threads_and_calls_what_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """In that order; then objects are finalized, and what can't be written is an error as in Python."""
    steps: list[str] = []
    monkeypatch.setattr(threading, "_shutdown", lambda: steps.append("threads"))
    monkeypatch.setattr(shutdown, "run_exit_functions", lambda: steps.append("exit"))
    monkeypatch.setattr(shutdown, "finalize", lambda: steps.append("objects"))
    assert _finish(3) == 3
    assert steps == ["threads", "exit", "objects"]
    monkeypatch.setattr(shutdown, "flush_standard_streams", lambda: False)
    assert _finish(0) == BROKEN_OUTPUT


def test_a_python_without_its_own_way_to_wait_for_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that is no daemon is joined."""
    monkeypatch.delattr(threading, "_shutdown")
    monkeypatch.setattr(shutdown, "run_exit_functions", lambda: None)
    monkeypatch.setattr(shutdown, "finalize", lambda: None)
    go, ended = threading.Event(), []
    thread = threading.Thread(target=lambda: (go.wait(60), ended.append(1)))
    thread.start()
    threading.Timer(0.05, go.set).start()
    _finish(0)
    assert ended == [1]
    thread.join()


def test_a_file_is_moved_out_of_the_way() -> None:
    """It is the same file, closed in programs; the old number is free."""
    reading, writing = os.pipe()
    moved = _moved(writing, 50)
    os.write(moved, b"x")
    assert moved >= 50
    assert fcntl.fcntl(moved, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writing)
    assert os.read(reading, 1) == b"x"
    os.close(moved)
    os.close(reading)


def test_the_main_module_is_a_fresh_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the name that multiprocessing has for it as well, where it is loaded."""
    for name in ("__main__", "__mp_main__"):
        monkeypatch.setitem(sys.modules, name, sys.modules["__main__"])
    main = _replace_main("/a/file.py")
    assert sys.modules["__main__"] is sys.modules["__mp_main__"] is main
    assert (main.__file__, main.__spec__) == ("/a/file.py", None)
    assert eval("len('ab')", vars(main)) == 2
