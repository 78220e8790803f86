"""Messages between a warm process, its clients and its runs: bounded, versioned, names with texts and numbers."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # the client must start fast, and typing takes longer to import than all that it does
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAGIC = b"heavyimports warm 2\n"
"""Begins each message; the number is the version of all of this."""
LIMIT_BYTES = 8 * 2**20
"""Of a message. The arguments and the environment of a process, together, are at most 6 MiB on Linux."""
LIMIT_FIELDS = 64
LIMIT_FDS = 253
"""As many files as the kernel lets a message have; unix(7)."""
_WIDTH = 4


class Message:
    """
    One message: what it is about, and fields by name.

    On the wire: :data:`MAGIC`, the length of the rest, then the kind and the names and values of the fields by turns,
    each after its own length. Lengths are unsigned, big-endian, of four bytes.
    """

    __slots__ = ("fields", "kind")

    def __init__(self, kind: str, **fields: str | int | bytes) -> None:
        self.kind = kind
        self.fields = {name: _as_bytes(value) for name, value in fields.items()}

    def encode(self) -> bytes:
        """As it goes over the wire."""
        parts = [self.kind.encode()]
        for name, value in self.fields.items():
            parts += (name.encode(), value)
        body = b"".join([len(part).to_bytes(_WIDTH, "big") + part for part in parts])
        if len(body) > LIMIT_BYTES:
            raise _refused(f"it is longer than {LIMIT_BYTES} bytes")
        return MAGIC + len(body).to_bytes(_WIDTH, "big") + body

    def text(self, name: str) -> str:
        """A field as text, with no loss: bytes that are no text stay what they are, as in ``os.environ``."""
        return os.fsdecode(self.fields.get(name, b""))

    def number(self, name: str) -> int:
        """A field as a number."""
        value = self.fields.get(name, b"")
        if not value.isdigit() or len(value) > 20:
            raise _refused(f"{name} is no number")
        return int(value)

    def parts(self, name: str) -> list[bytes]:
        """A field as a list, see :func:`join`."""
        value = self.fields.get(name, b"")
        return value.split(b"\0") if value else []


class Decoder:
    """Puts messages together from what comes in, and refuses what is none as soon as that can be seen."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """
        The messages that are complete with *data*.

        Raises:
            MessageRefused: It is no message of this version, or a longer one than there can be.
        """
        self._pending += data
        while True:
            head = len(MAGIC) + _WIDTH
            if not self._pending.startswith(MAGIC[: len(self._pending)]):
                raise _refused("it is none of this version")
            if len(self._pending) < head:
                return
            length = int.from_bytes(self._pending[len(MAGIC) : head], "big")
            if length > LIMIT_BYTES:
                raise _refused(f"it is longer than {LIMIT_BYTES} bytes")
            if len(self._pending) < head + length:
                return
            body, self._pending = self._pending[head : head + length], self._pending[head + length :]
            yield _decoded(body)


class ChildReport:
    """In a warm process, what a child of it tells by a pipe."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self._decoder = Decoder()

    def read(self) -> tuple[list[Message], bool]:
        """What has been told since, and whether no more can come: also where a test has written into the pipe."""
        messages: list[Message] = []
        try:
            while data := os.read(self.pipe, 65536):
                messages += self._decoder.feed(data)
        except BlockingIOError:
            return messages, False
        except RuntimeError:  # MessageRefused, which is not imported here
            pass
        return messages, True


def tell(pipe: int, message: Message) -> None:
    """In such a child: tell something, now."""
    data = memoryview(message.encode())
    while data:
        data = data[os.write(pipe, data) :]


def join(parts: Iterable[str | bytes]) -> bytes:
    """A list as one field. No argument, variable or path of a process has a null byte in it."""
    return b"\0".join([_as_bytes(part) for part in parts])


def _as_bytes(value: str | int | bytes) -> bytes:
    return os.fsencode(str(value) if isinstance(value, int) else value)


def _decoded(body: bytes) -> Message:
    parts: list[bytes] = []
    position = 0
    while position < len(body):
        begin = position + _WIDTH
        position = begin + int.from_bytes(body[begin - _WIDTH : begin], "big")
        if begin > len(body) or position > len(body) or len(parts) > 2 * LIMIT_FIELDS:
            raise _refused("its fields are longer than itself, or too many")
        parts.append(body[begin:position])
    if len(parts) % 2 == 0:
        raise _refused("it has no kind, or a field has no value")
    try:
        kind, *names = (part.decode("ascii") for part in (parts[0], *parts[1::2]))
    except UnicodeDecodeError:
        raise _refused("its names are no text") from None
    message = Message(kind)
    message.fields.update(zip(names, parts[2::2]))
    return message


def _refused(fault: str) -> Exception:
    from ..errors import MessageRefused  # as in client.py

    return MessageRefused(fault)
