"""Messages: what is sent comes in, however it is parted; what is none is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_heavyimports.errors import MessageRefused
from pytest_heavyimports.warm.wire import LIMIT_BYTES, LIMIT_FIELDS, MAGIC, Decoder, Message, join

NAMES = st.text("abcdefghij_", min_size=1, max_size=8)
FIELDS = st.dictionaries(NAMES, st.binary(max_size=200), max_size=8)


def message(kind: str, fields: dict[str, bytes]) -> Message:
    made = Message(kind)
    made.fields.update(fields)
    return made


@given(st.lists(st.tuples(NAMES, FIELDS), max_size=4), st.data())
def test_what_is_sent_comes_in_however_it_is_parted(
    sent: list[tuple[str, dict[str, bytes]]], data: st.DataObject
) -> None:
    """A socket gives what it has, not what was written at once."""
    stream = b"".join(message(kind, fields).encode() for kind, fields in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    decoder = Decoder()
    received = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)]):
        received += decoder.feed(stream[begin:end])
    assert [(each.kind, each.fields) for each in received] == sent


@given(st.binary(max_size=100))
def test_noise_is_refused_or_waited_for(noise: bytes) -> None:
    """Nothing else is ever raised."""
    for stream in (noise, MAGIC + noise, MAGIC + len(noise).to_bytes(4, "big") + noise):
        with contextlib.suppress(MessageRefused):
            list(Decoder().feed(stream))


@pytest.mark.parametrize(
    ("stream", "fault"),
    [
        (b"heavyimports warm 1\n", "it is none of this version"),
        (b"x", "it is none of this version"),
        (MAGIC + (LIMIT_BYTES + 1).to_bytes(4, "big"), f"it is longer than {LIMIT_BYTES} bytes"),
        (MAGIC + bytes([0, 0, 0, 4, 0, 0, 0, 9]), "its fields are longer than itself, or too many"),
        (MAGIC + bytes([0, 0, 0, 2, 0, 0]), "its fields are longer than itself, or too many"),
        (MAGIC + bytes([0, 0, 0, 0]), "it has no kind, or a field has no value"),
        (MAGIC + bytes([0, 0, 0, 5, 0, 0, 0, 1, 200]), "its names are no text"),
        (
            message("run", {str(n): b"" for n in range(2 * LIMIT_FIELDS)}).encode(),
            "its fields are longer than itself, or too many",
        ),
    ],
)
def test_what_is_no_message_is_refused(stream: bytes, fault: str) -> None:
    """As soon as that can be seen."""
    with pytest.raises(MessageRefused) as caught:
        list(Decoder().feed(stream))
    assert str(caught.value) == f"The message is refused: {fault}."


def test_a_message_that_is_too_long_is_not_sent() -> None:
    """The other side would refuse it."""
    with pytest.raises(MessageRefused):
        Message("run", arguments=bytes(LIMIT_BYTES)).encode()


@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda part: b"\0" not in part), max_size=5))
def test_a_list_is_what_it_was(parts: list[bytes]) -> None:
    """Joined by what no argument can have in it."""
    assert Message("run", arguments=join(parts)).parts("arguments") == parts


def test_fields_are_read_as_texts_and_numbers() -> None:
    """Bytes that are no text come through; a number that is none is refused."""
    made = Message("run", name="caf\udce9", number=42, text="x")
    assert (made.text("name"), made.number("number"), made.text("missing")) == ("caf\udce9", 42, "")
    for name in ("text", "missing"):
        with pytest.raises(MessageRefused) as caught:
            made.number(name)
        assert caught.value.args == (f"{name} is no number",)
