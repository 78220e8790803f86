"""Clients and children of the warm process."""

from __future__ import annotations

import os
import selectors
import socket
from typing import TYPE_CHECKING

from pytest_heavyimports.warm.server import Client, Warm
from pytest_heavyimports.warm.wire import Message

if TYPE_CHECKING:
    import pytest


def test_a_child_that_can_not_be_made_ready_ends() -> None:
    """It never goes on as a second warm process."""

    def failing(_: int) -> object:
        raise OSError("no file to be had")

    process, report = Warm._fork(object.__new__(Warm), failing)  # type: ignore[arg-type]  # it gives nothing
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 1
    assert os.read(report, 1) == b""
    os.close(report)


def test_what_comes_after_a_dismissal_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it came in with what the client was dismissed for."""
    warm = object.__new__(Warm)
    here, there = socket.socketpair()
    client = Client(here)
    answered: list[str] = []

    def answer(client: Client, message: Message) -> None:
        answered.append(message.kind)
        warm._dismiss(client)

    monkeypatch.setattr(warm, "_clients", {here.fileno(): client}, raising=False)
    monkeypatch.setattr(warm, "_selector", selectors.DefaultSelector(), raising=False)
    monkeypatch.setattr(warm, "_answer", answer)
    with there:
        there.sendall(Message("nonsense").encode() + Message("run").encode())
        warm._hear(client)
        assert there.recv(1) == b""
    assert answered == ["nonsense"]
    warm._selector.close()
