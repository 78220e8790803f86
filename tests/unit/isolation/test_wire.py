"""Messages between processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_heavyimports.isolation.wire import Wire

TEXTS = st.text(max_size=8)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | st.binary(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(TEXTS, some, max_size=3) | st.tuples(some, some),
    max_leaves=6,
)


@pytest.fixture
def pipe() -> Iterator[tuple[Wire, Wire]]:
    """Both ends."""
    reading, writing = os.pipe()
    ends = Wire(reading), Wire(writing)
    yield ends
    for end in ends:
        end.close()


@settings(max_examples=40, deadline=None)
@given(messages=st.lists(st.tuples(VALUES, VALUES), max_size=3))
def test_messages_come_out_as_they_went_in(messages: list[tuple[object, ...]]) -> None:
    """In order, with their types."""
    reading, writing = os.pipe()
    receiver, sender = Wire(reading), Wire(writing)
    for message in messages:
        sender.send(*message)
    assert receiver.drain() == messages
    receiver.close()
    sender.close()


def test_a_long_message(pipe: tuple[Wire, Wire]) -> None:
    """Longer than a pipe has room for."""
    receiver, sender = pipe
    text = "x" * 5_000_000
    thread = threading.Thread(target=sender.send, args=("report", text))
    thread.start()
    assert receiver.wait() == ("report", text)
    thread.join()


def test_half_a_message_is_forgotten(pipe: tuple[Wire, Wire]) -> None:
    """Its sender has died; the next one's messages are read from their beginning."""
    receiver, sender = pipe
    sender.send("whole")
    os.write(sender.fileno(), b"\x00\x10\x01half")
    assert receiver.drain() == [("whole",)]
    sender.send("next")
    assert receiver.drain() == [("next",)]


def test_the_other_end_is_closed(pipe: tuple[Wire, Wire]) -> None:
    """Whoever waits is told."""
    receiver, sender = pipe
    sender.close()
    assert receiver.wait() is None
    assert receiver.is_closed


MARK = b"0123456789abcdef"


@given(
    messages=st.lists(st.tuples(VALUES, st.binary(max_size=10_000)), max_size=4),
    garbage=st.lists(st.binary(max_size=3000) | st.just(MARK[:-1]), min_size=5, max_size=5),
)
def test_garbage_between_marked_messages(messages: list[tuple[object, ...]], garbage: list[bytes]) -> None:
    """It is skipped, whatever it is, and little of it is kept."""
    reading, writing = os.pipe()
    receiver, sender = Wire(reading, MARK), Wire(writing, MARK)
    for message, text in zip([*messages, ("last",)], garbage):
        os.write(writing, text)
        sender.send(*message)
    os.write(writing, b"x" * 5000)
    assert receiver.drain() == [*messages, ("last",)]
    receiver.close()
    sender.close()


def test_garbage_between_the_parts_of_a_message(pipe: tuple[Wire, Wire]) -> None:
    """As by another thread, which writes while the message is sent."""
    ends = [Wire(each.fileno(), MARK) for each in pipe]
    receiver, sender = ends
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            os.write(sender.fileno(), b"garbage" * 30)
        sender.close()

    def send() -> None:
        for number in range(20):
            sender.send("report", number, "x" * 100_000)
        is_over.set()

    threads = [threading.Thread(target=target) for target in (write, send)]
    for thread in threads:
        thread.start()
    messages: list[tuple[object, ...]] = []
    while not receiver.is_closed:
        messages += receiver.receive()
    assert messages == [("report", number, "x" * 100_000) for number in range(20)]
    for thread in threads:
        thread.join()


def test_a_pipe_that_does_not_block(pipe: tuple[Wire, Wire]) -> None:
    """As a test may set it: whoever sends and whoever waits does so all the same."""
    receiver, sender = pipe
    for end in pipe:
        os.set_blocking(end.fileno(), False)
    text = "x" * 1_000_000
    thread = threading.Thread(target=sender.send, args=("report", text))
    thread.start()
    assert receiver.wait() == ("report", text)
    thread.join()


def test_a_descriptor_that_is_another_file_by_now(pipe: tuple[Wire, Wire], tmp_path: Path) -> None:
    """Nothing is written into that."""
    _, sender = pipe
    file = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    os.dup2(file, sender.fileno())
    with pytest.raises(OSError, match="the test has closed the descriptor"):
        sender.send("report")
    assert os.fstat(file).st_size == 0
    os.close(file)
