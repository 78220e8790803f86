"""Messages between processes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

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
    os.write(sender.fileno(), b"\x00\x00\x10\x00half")
    assert receiver.drain() == [("whole",)]
    sender.send("next")
    assert receiver.drain() == [("next",)]


def test_the_other_end_is_closed(pipe: tuple[Wire, Wire]) -> None:
    """Whoever waits is told."""
    receiver, sender = pipe
    sender.close()
    assert receiver.wait() is None
    assert receiver.is_closed
