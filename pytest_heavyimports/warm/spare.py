"""
A child that a warm process forks ahead of time: it waits for the run that it is to be.

A fork takes 10 ms where torch is imported, and what each run begins with, pytest's own plugins, copies a few thousand
pages that are shared until then; those that the last runs have written to later are copied as well. Nothing of a user's
is known to it before it gets a request.

Without it and the copies of ``pages.py``, a run of the 17 tests of ``python -m benchmarks.warm`` takes 0.089 of a plain
one in place of 0.068, where the limit is 0.07 (medians of 9, torch 2.13.0, a busy machine with two cores).
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ..imports.keeper import KEEPER
from .memory import is_memory_short
from .run import Request, Run
from .wire import LIMIT_FDS, Decoder, Message

if TYPE_CHECKING:
    from .preload import Preload

PATIENCE_S = 5.0
"""How long it may take to get a request into it."""
READY = HEAD = b"."


class Spare:
    """In the warm process: the child."""

    def __init__(self, process: int, peer: socket.socket, report: int) -> None:
        """
        Args:
            process: That of the child.
            peer: Connected to it.
            report: Where it tells what it learns, once it is a run.
        """
        self.process = process
        self.peer = peer
        self.report = report
        self.is_ready = False
        peer.settimeout(PATIENCE_S)

    def hear(self) -> bool:
        """It has said something, that it is ready; whether it is still there."""
        try:
            self.is_ready = self.peer.recv(1) == READY
        except OSError:
            self.is_ready = False
        return self.is_ready

    def hand_over(self, client: int, request: Message, files: Sequence[int]) -> bool:
        """
        Make it the run of a request; whether it could be reached.

        Args:
            client: The connection to the client.
            request: What is asked for.
            files: The client's.
        """
        data = memoryview(request.encode())
        try:
            socket.send_fds(self.peer, [HEAD], [client])
            data = data[socket.send_fds(self.peer, [data], files) :]
            if data:  # else it may have hung up already, to be the run
                self.peer.sendall(data)
        except OSError:
            return False
        self.peer.close()
        return True

    def let_go(self) -> None:
        """In another child: this one is not its own."""
        self.peer.close()
        os.close(self.report)

    def end(self) -> None:
        """It is not needed."""
        self.let_go()
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


class Waiting:
    """In the child."""

    def __init__(self, peer: socket.socket, report: int, preload: Preload) -> None:
        """
        Args:
            peer: Connected to the warm process.
            report: Where the run is to tell what it learns.
            preload: What is imported already.
        """
        self._peer = peer
        self._report = report
        self._preload = preload

    def carry_out(self) -> None:
        """Prepare, wait for a request, and be its run; end where the warm process has ended."""
        _rehearse()
        self._peer.sendall(READY)
        if not is_memory_short():
            self._preload.pages.copy(until=self._is_asked)
        decoder, files = Decoder(), []
        head, (client,) = self._receive(len(HEAD))
        assert head == HEAD
        while True:
            data, some = self._receive(65536)
            files += some
            for message in decoder.feed(data):
                self._peer.close()
                Run(Request(message), files, client, self._report, self._preload).carry_out()
                return

    def _receive(self, size: int) -> tuple[bytes, list[int]]:
        """What the warm process sends; ends where that has ended."""
        data, files, flags, _ = socket.recv_fds(self._peer, size, LIMIT_FDS)
        if not data or flags & socket.MSG_CTRUNC:
            os._exit(0)
        return data, files

    def _is_asked(self) -> bool:
        """Whether there is something to read: nobody waits for what may be done without."""
        return bool(select.select([self._peer], [], [], 0)[0])


def _rehearse() -> None:
    """
    Do, to no effect, what each run does, whatever it is asked for.

    pytest makes its own plugins known to itself, and the guard looks at all modules that it keeps.
    """
    with suppress(Exception):  # a pytest to come may have none
        from _pytest.config import get_config  # in the suppress, since it is private

        get_config()
    KEEPER.displaced()
    gc.collect()
