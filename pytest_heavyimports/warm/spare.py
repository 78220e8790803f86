"""
A child that a warm process forks ahead of time: it waits for the run that it is to be.

A fork takes 10 ms where torch is imported, and what each run begins with, pytest's own plugins, copies a few thousand
pages that are shared until then; those that the last runs have written to later are copied as well. Nothing of a user's
is known to it before it gets his request.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from ..imports.keeper import KEEPER
from .memory import is_memory_short
from .run import Request, Run
from .wire import LIMIT_FDS, Decoder, Message

if TYPE_CHECKING:
    from .preload import Preload

PATIENCE_S = 5.0
"""How long it may take to get a request into it."""
READY = b"."


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

    def hand_over(self, request: Message, files: Sequence[int]) -> bool:
        """Make it the run of a request; whether it could be reached."""
        data = memoryview(request.encode())
        try:
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

    def carry_out(self) -> NoReturn:
        """Prepare, wait for a request, and be its run; end where the warm process has ended."""
        _rehearse()
        self._peer.sendall(READY)
        if not is_memory_short():
            self._preload.pages.copy(until=self._is_asked)
        decoder, files = Decoder(), []
        while True:
            data, some, *_ = socket.recv_fds(self._peer, 65536, LIMIT_FDS)
            files += some
            if not data:
                os._exit(0)
            for message in decoder.feed(data):
                self._peer.close()
                Run(Request(message), files, self._report, self._preload).carry_out()

    def _is_asked(self) -> bool:
        """Whether there is something to read: nobody waits for what may be done without."""
        return bool(select.select([self._peer], [], [], 0)[0])


def _rehearse() -> None:
    """
    Do, to no effect, what each run does, whatever it is asked for.

    pytest makes its own plugins known to itself, and the guard looks at all modules that it keeps.
    """
    with suppress(Exception):  # a pytest to come may have none
        from _pytest.config import get_config

        get_config()
    KEEPER.displaced()
    gc.collect()
