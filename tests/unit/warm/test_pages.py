"""Which pages a run has written to, and that the next one has them."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import sys
from collections.abc import Callable

import pytest

from pytest_heavyimports.warm import pages
from pytest_heavyimports.warm.pages import Pages, faults, written

from ...support.system import can_populate

pytestmark = pytest.mark.skipif(not (sys.platform == "linux" and can_populate()), reason="needs Linux 5.14")

NUMBER = 2000


def in_child(act: Callable[[], object]) -> object:
    """What a child of this process, by fork, makes of it."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.write(writing, json.dumps(act()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        told = file.read()
    os.waitpid(process, 0)
    return json.loads(told)


@pytest.fixture
def memory() -> mmap.mmap:
    """Pages of this process, all of them there, that a child shares until it writes to them."""
    memory = mmap.mmap(-1, NUMBER * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    memory.write(b"x" * len(memory))
    return memory


def number_of(memory: mmap.mmap) -> int:
    """That of its first page."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory)) // mmap.PAGESIZE


def write(memory: mmap.mmap, numbers: range) -> int:
    """Write to some of its pages; how often the system had to give one."""
    before = faults()
    for number in numbers:
        memory[number * mmap.PAGESIZE] = 121
    return faults() - before


def test_those_that_a_child_has_written_to_are_its_own(memory: mmap.mmap) -> None:
    """And no others of the same memory."""
    first = number_of(memory)

    def act() -> list[int]:
        write(memory, range(10, 20))
        return [number - first for number in written() if first <= number < first + NUMBER]

    assert in_child(act) == list(range(10, 20))


def test_the_next_child_has_those_that_the_last_one_has_written_to(memory: mmap.mmap) -> None:
    """It gets no page more when it writes to them, and nothing else is changed."""
    known = Pages()

    def run() -> list[object]:
        before = faults()
        known.copy()
        given = write(memory, range(0, NUMBER, 2))
        return [given, memory[0], memory[mmap.PAGESIZE], memory[1], known.report(before).decode()]

    given, *read, report = in_child(run)
    assert given >= NUMBER / 2
    assert read == [121, 120, 120]
    known.note(report.encode().split(b"\0"))
    given, *read, _ = in_child(run)
    assert given < NUMBER / 20
    assert read == [121, 120, 120]
    assert memory[0] == 120


def test_a_run_that_was_given_few_pages_tells_nothing(memory: mmap.mmap) -> None:
    """The last one has told all that is worth it."""

    def act() -> str:
        before = faults()
        write(memory, range(10))
        return Pages().report(before).decode()

    assert in_child(act) == ""


def test_only_some_runs_are_looked_at(memory: mmap.mmap) -> None:
    """Each may write to other pages; once something was imported, all begins anew."""
    known = Pages()

    def told() -> bool:
        before = faults()
        write(memory, range(NUMBER))
        return bool(known.report(before))

    for _ in range(pages.MOST_LOOKS):
        assert in_child(told)
        known.note([])
    assert not in_child(told)
    known.forget()
    assert in_child(told)


def test_what_is_copied_ahead_has_a_limit() -> None:
    """It is memory of a process that waits."""
    known = Pages()
    known.note([b"10-20", b"0-%d" % 2**50, b"30-30"])
    assert [*known._known] == [*range(10, 21), 30]


def test_pages_that_are_not_there_are_left_out(memory: mmap.mmap) -> None:
    """Of memory that another run had taken."""
    known = Pages()
    first = number_of(memory)
    known.note([b"16-17", b"%d-%d" % (first, first + 9)])

    def act() -> int:
        known.copy()
        write(memory, range(20, 30))  # the first call of it is given pages of its own
        return write(memory, range(10))

    assert in_child(act) < 5
