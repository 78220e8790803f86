"""``heavyimports status`` and ``heavyimports stop``."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress

from ..errors import CommandRefused, MessageRefused
from .connection import LOOK_S, Connection, computed_by, connect, socket_path
from .key import open_directory, socket_directory
from .wire import Message

NONE = "There is no warm process."
SILENCE_S = 4.0
"""How long a process may neither answer nor compute. Who types these commands waits for them."""


def status(arguments: Sequence[str]) -> int:
    """Show each warm process of this user: what it is for, what it has imported, what it costs."""
    _parse("status", "Show the warm processes of this user.", arguments)
    with closing(_Questions("status", "facts")) as questions:
        shown = [_status(facts) if facts else fault for _, facts, fault in questions.answers() if facts or fault]
    print("\n\n".join(shown) or NONE)
    return 0


def facts_of_all() -> list[Message]:
    """What the warm processes of this user say of themselves, when what they import in the background is there."""
    with closing(_Questions("status", "facts")) as questions:
        return [facts for _, facts, _ in questions.answers() if facts]


def stop(arguments: Sequence[str]) -> int:
    """End each warm process of this user; runs that are under way go on, and end first."""
    _parse("stop", "End the warm processes of this user.", arguments)
    is_all = True
    told = 0
    with closing(_Questions("stop", "stopping")) as questions:
        for connection, answer, fault in questions.answers():
            if answer:
                running = answer.number("running")
                after = f", after {running} run{'s' * (running != 1)} under way" if running else ""
                print(f"process {answer.number('process')}, for {answer.text('project')}: ends{after}")
                if not running:
                    connection.wait_at_most(SILENCE_S)
                    with suppress(TimeoutError):
                        connection.receive()  # hangs up when it has ended
            elif fault:
                print(fault)
                is_all = False
            told += bool(answer or fault)
    if not told:
        print(NONE)
    return 0 if is_all else 1


def _parse(name: str, what: str, arguments: Sequence[str]) -> None:
    argparse.ArgumentParser(prog=f"heavyimports {name}", description=what).parse_args(list(arguments))


def _connections() -> Iterator[Connection]:
    """One to each warm process; what is left of one that has been killed is taken away. The directory stays open."""
    try:
        directory = open_directory(socket_directory())
    except OSError as error:
        raise CommandRefused(f"the sockets of warm processes can't be looked for: {error}") from error
    for file in sorted(os.listdir(directory)):
        name, kind = os.path.splitext(file)
        if kind == ".sock":
            try:
                connection = connect(directory, name)
            except BlockingIOError:
                continue  # so many others wait for it already
            if connection:
                yield connection
            else:
                with suppress(FileNotFoundError):
                    os.unlink(socket_path(directory, name))


class _Questions:
    """One question to all warm processes at once, so that those that don't answer are waited for once."""

    def __init__(self, kind: str, answer: str) -> None:
        self._answer = answer
        self._connections = list(_connections())
        for connection in self._connections:
            connection.wait_at_most(SILENCE_S)
            with suppress(OSError):
                connection.send(Message(kind))
        self._until = time.monotonic() + SILENCE_S

    def answers(self) -> Iterator[tuple[Connection, Message | None, str]]:
        """
        Each connection with its answer, or with what is wrong with a process that doesn't answer.

        A process that is about to end, is gone, or is of another version has neither.
        """
        for connection in self._connections:
            fault, received = "", None
            try:
                received = self._receive(connection)
            except TimeoutError:
                number = connection.process
                fault = f"process {number} does not answer: it is stopped, or imports. 'kill -9 {number}' ends it."
            except (MessageRefused, OSError):
                pass
            yield connection, received if received and received.kind == self._answer else None, fault

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections:
            connection.close()

    def _receive(self, connection: Connection) -> Message | None:
        """The answer, for which it may take its time while it says that it is busy, or computes."""
        computed = computed_by(connection.process)
        end = self._until
        while True:
            connection.wait_at_most(max(0.1, min(LOOK_S, end - time.monotonic())))
            try:
                received = connection.receive()
                if received is None or received.kind != "busy":
                    return received
                end = time.monotonic() + SILENCE_S
            except TimeoutError:
                computes = computed_by(connection.process)
                if computes != computed:
                    computed, end = computes, time.monotonic() + SILENCE_S
                if time.monotonic() > end:
                    raise


def _status(facts: Message) -> str:
    age = facts.number("age")
    rows = {
        "project": facts.text("project"),
        "interpreter": facts.text("interpreter"),
        "modules": ", ".join(map(os.fsdecode, facts.parts("modules"))),
        "memory": f"{facts.number('memory') / 2**20:.0f} MiB",
        "age": f"{age // 3600}:{age // 60 % 60:02}:{age % 60:02}",
        "runs": f"{facts.number('runs')} served, {facts.number('running')} under way",
    }
    lines = [f"process {facts.number('process')}", *(f"  {name + ':':<13} {value}" for name, value in rows.items())]
    if whole := facts.parts("whole"):
        lines.append(f"  environment:  read as a whole by {', '.join(map(os.fsdecode, whole))}")
    lines += [f"  left out:     {os.fsdecode(harm)}" for harm in facts.parts("harmful")]
    return "\n".join(lines)
