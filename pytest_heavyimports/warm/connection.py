"""
A connection to a warm process: how it is found, and who may be at the other end.

The client loads this, which must start fast: see ``client.py``.
"""

from __future__ import annotations

import _socket
import os
import sys

from .wire import Decoder, Message

TYPE_CHECKING = False  # as in wire.py
if TYPE_CHECKING:
    from collections.abc import Sequence

OF_THE_RUN = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COV_CORE_SOURCE")
"""What starts the measuring of a process that a test has started, before its first line: not that of a warm one."""
PLAIN = "this is a plain run: "
"""How the line begins that says why."""
SILENCE_S = 10.0
"""How long a warm process may neither answer nor compute: it is stopped, or waits for something."""
LOOK_S = 2.0
"""How often it is looked at meanwhile."""


def command_line(arguments: Sequence[str]) -> list[str]:
    """``sys.argv`` of pytest, called by its own command."""
    return [os.path.join(os.path.dirname(sys.executable), "pytest"), *arguments]


class Connection:
    """A connection to a warm process of this user."""

    def __init__(self, peer: _socket.socket, directory: int, name: str) -> None:
        self._peer = peer
        self._directory = directory
        self._name = name
        self._decoder = Decoder()
        self._received: list[Message] = []

    def wait_at_most(self, seconds: float) -> None:
        """From now on, raise TimeoutError where the other side takes longer."""
        self._peer.settimeout(seconds)

    def send(self, message: Message, files: Sequence[int] = ()) -> None:
        """Send a message, and files with it."""
        data = memoryview(message.encode())
        if files:
            numbers = b"".join([number.to_bytes(4, sys.byteorder) for number in files])
            control = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)]
            data = data[self._peer.sendmsg([data], control) :]
        # All may be through, the answer and the end of the connection too: sendall calls send for no bytes as well.
        if data:
            self._peer.sendall(data)

    @property
    def process(self) -> int:
        """The number of the warm process, which stands in the file of its lock; 0 where it has not begun."""
        try:
            lock = os.open(f"{self._name}.lock", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory)
        except OSError:
            return 0
        try:
            return int(os.read(lock, 20) or b"0")
        finally:
            os.close(lock)

    def give_up(self) -> Message | None:
        """Have the other side unable to tell anything any more; what it had told before, if anything."""
        self._peer.shutdown(_socket.SHUT_RD)  # what it sends from now on is an error there
        return self.receive()

    def receive(self) -> Message | None:
        """
        The next message; ``None`` where the other side is gone.

        Raises:
            TimeoutError: Nothing has come for as long as :meth:`wait_at_most` says.
            MessageRefused: It is no message.
        """
        while not self._received:
            try:
                data = self._peer.recv(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self._received += self._decoder.feed(data)
        return self._received.pop(0)

    def close(self) -> None:
        """Hang up."""
        self._peer.close()


def connect(directory: int, name: str) -> Connection | None:
    """
    Ask for a connection to the warm process of this name; ``None`` where nobody answers.

    Raises:
        PermissionError: It is not this user's.
    """
    peer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    peer.settimeout(SILENCE_S)  # one that is stopped accepts none, and so many may wait already that it blocks
    try:
        peer.connect(socket_path(directory, name))
    except (FileNotFoundError, ConnectionRefusedError):
        peer.close()
        return None
    if peer_user(peer) != os.geteuid():
        raise PermissionError("the warm process is another user's")
    return Connection(peer, directory, name)


def socket_path(directory: int, name: str) -> str:
    """Short enough for a socket wherever the directory is, and in that directory whatever becomes of its name."""
    return f"/proc/self/fd/{directory}/{name}.sock"


def peer_user(peer: _socket.socket) -> int:
    """The user id of who is at the other end, as the kernel tells it: the second of three numbers; unix(7)."""
    credentials = peer.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[4:8], sys.byteorder)


def computed_by(process: int) -> str | None:
    """How much processor time a process has had by now; ``None`` where it has ended; proc_pid_stat(5)."""
    try:
        with open(f"/proc/{process}/stat", "rb") as stat:
            facts = stat.read().rpartition(b") ")[2].split()
    except OSError:
        return None
    return None if facts[0] in b"ZX" else f"{facts[11]!r} {facts[12]!r}"
