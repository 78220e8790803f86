"""Turns, taken by processes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_heavyimports.cuda.turns import taking_turn

CHILD = """
import sys
from pathlib import Path
from pytest_heavyimports.cuda.turns import taking_turn

print("asks", flush=True)
with taking_turn(Path(sys.argv[1]), int(sys.argv[2])):
    print("has it", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[[int], subprocess.Popen[bytes]]]:
    """Starts processes that take a turn, and keep it until they are told to go on."""
    children: list[subprocess.Popen[bytes]] = []

    def start(turn: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", CHILD, str(tmp_path / "turns"), str(turn)]
        child = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        children.append(child)
        assert child.stdout
        assert child.stdout.readline() == b"asks\n"
        return child

    yield start
    for one in children:
        one.kill()
        one.communicate()


def _has_it(child: subprocess.Popen[bytes], timeout_s: float = 30) -> bool:
    assert child.stdout
    return bool(select.select([child.stdout], [], [], timeout_s)[0]) and child.stdout.readline() == b"has it\n"


def test_one_at_a_time(child: Callable[[int], subprocess.Popen[bytes]], tmp_path: Path) -> None:
    """Who wants a turn that another one has waits for it; other turns are free."""
    first = child(3)
    assert _has_it(first)
    second = child(3)
    assert not _has_it(second, timeout_s=0.1)
    with taking_turn(tmp_path / "turns", 2):
        pass
    first.communicate(b"go on\n")
    assert _has_it(second)


def test_a_turn_ends_with_its_process(child: Callable[[int], subprocess.Popen[bytes]]) -> None:
    """However that ends."""
    first = child(0)
    assert _has_it(first)
    os.kill(first.pid, signal.SIGKILL)
    assert _has_it(child(0))


def test_what_a_test_has_started_does_not_keep_the_turn(
    child: Callable[[int], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """A process that was forked inside lives on without it."""
    reader, writer = os.pipe()
    with taking_turn(tmp_path / "turns", 0):
        forked = os.fork()
        if not forked:  # pragma: no cover  # in the child
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
    assert _has_it(child(0))
    os.close(writer)
    os.close(reader)
    assert os.waitpid(forked, 0)[1] == 0
