"""
Messages between processes: tuples of plain values, by marshal, in parts with their length and a checksum before them.

A test may write to any descriptor of its process. What comes by a pipe that tests can write to has a mark before each
part, which nobody can guess; what else comes there is skipped. A part is written at once, so that nothing comes into
the middle of it. Reference: pipe(7), ``PIPE_BUF``.
"""

from __future__ import annotations

import errno
import marshal
import os
import struct
import zlib
from contextlib import suppress
from select import PIPE_BUF, POLLIN, POLLOUT, poll
from typing import Any

MARK_BYTES = 16
_HEAD = struct.Struct(">H?I")
"""Of a part: its length, whether it is the last of a message, and its checksum."""
_PART = PIPE_BUF - MARK_BYTES - _HEAD.size


class Wire:
    """One end of a pipe or of a pair of sockets."""

    def __init__(self, fd: int, mark: bytes = b"") -> None:
        """
        Args:
            fd: Its descriptor.
            mark: What comes before each message.
        """
        self._fd = fd
        self._file = _file_of(fd)
        self._mark = mark
        self._received = bytearray()
        self._parts: list[bytes] = []
        """Of the message that is coming."""
        self.is_closed = False
        """Whether nobody has the other end any more."""

    def fileno(self) -> int:
        """The descriptor, for ``poll``."""
        return self._fd

    def send(self, *message: Any) -> None:
        """
        Send a message, however long.

        Raises:
            BrokenPipeError: Nobody has the other end.
            OSError: A test has closed the descriptor, which may be that of a file of its own by now.
        """
        if _file_of(self._fd) != self._file:
            raise OSError(errno.EBADF, "the test has closed the descriptor by which its process reports")
        data = marshal.dumps(message)
        for begin in range(0, len(data), _PART):
            part = data[begin : begin + _PART]
            head = _HEAD.pack(len(part), begin + _PART >= len(data), zlib.crc32(part))
            self._write(memoryview(self._mark + head + part))

    def receive(self) -> list[tuple[Any, ...]]:
        """Read once, which waits until there is something; the messages that are complete with that."""
        try:
            data = os.read(self._fd, 2**20)
        except ConnectionResetError:
            data = b""
        except BlockingIOError:
            _wait_for(self._fd, POLLIN)
            return []
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
        self._parts.clear()
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

    def _write(self, rest: memoryview) -> None:
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:  # a test may have set that
                _wait_for(self._fd, POLLOUT)

    def _next(self) -> tuple[Any, ...] | None:
        received, mark = self._received, self._mark
        while (found := received.find(mark)) >= 0:
            del received[:found]
            begin = len(mark) + _HEAD.size
            if len(received) < begin:
                return None
            length, is_last, checksum = _HEAD.unpack_from(received, len(mark))
            if len(received) < begin + length:
                return None
            part = bytes(received[begin : begin + length])
            if zlib.crc32(part) != checksum:
                del received[:begin]
                self._parts.clear()
                continue
            del received[: begin + length]
            self._parts.append(part)
            if is_last:
                data = b"".join(self._parts)
                self._parts.clear()
                message: tuple[Any, ...] = marshal.loads(data)
                return message
        del received[: max(len(received) - len(mark), 0)]
        return None


def _file_of(fd: int) -> tuple[int, int] | None:
    """What tells the file of a descriptor from others; ``None`` where it has none."""
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _wait_for(fd: int, event: int) -> None:
    poller = poll()
    poller.register(fd, event)
    poller.poll()
