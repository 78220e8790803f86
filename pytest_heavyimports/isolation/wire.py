"""Messages between processes: tuples of plain values, by marshal, each with its length before it."""

from __future__ import annotations

import marshal
import os
import struct
from contextlib import suppress
from select import POLLIN, poll
from typing import Any

_LENGTH = struct.Struct(">I")


class Wire:
    """One end of a pipe or of a pair of sockets."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._received = bytearray()
        self.is_closed = False
        """Whether nobody has the other end any more."""

    def fileno(self) -> int:
        """The descriptor, for ``poll``."""
        return self._fd

    def send(self, *message: Any) -> None:
        """Send a message, however long. Raises BrokenPipeError where nobody has the other end."""
        data = marshal.dumps(message)
        rest = memoryview(_LENGTH.pack(len(data)) + data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def receive(self) -> list[tuple[Any, ...]]:
        """Read once, which waits until there is something; the messages that are complete with that."""
        try:
            data = os.read(self._fd, 2**20)
        except ConnectionResetError:
            data = b""
        self.is_closed = not data
        self._received += data
        return list(iter(self._next, None))

    def drain(self) -> list[tuple[Any, ...]]:
        """The messages that are there. The rest of a message is forgotten: whoever sent it has ended."""
        poller = poll()
        poller.register(self, POLLIN)
        messages = []
        while poller.poll(0) and not self.is_closed:
            messages += self.receive()
        self._received.clear()
        return messages

    def wait(self) -> tuple[Any, ...] | None:
        """The next message, from somebody who sends one at a time; ``None`` where nobody has the other end."""
        while not self.is_closed:
            if messages := self.receive():
                return messages[0]
        return None

    def close(self) -> None:
        """Close this end."""
        with suppress(OSError):  # a test may have closed everything
            os.close(self._fd)

    def _next(self) -> tuple[Any, ...] | None:
        begin = _LENGTH.size
        if len(self._received) < begin:
            return None
        until = begin + _LENGTH.unpack_from(self._received)[0]
        if len(self._received) < until:
            return None
        message: tuple[Any, ...] = marshal.loads(bytes(self._received[begin:until]))
        del self._received[:until]
        return message
