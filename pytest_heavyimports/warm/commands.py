"""``heavyimports status`` and ``heavyimports stop``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from ..errors import CommandRefused, MessageRefused
from .client import Connection, connect, socket_path
from .key import open_directory, socket_directory
from .wire import Message

NONE = "There is no warm process."


def status(arguments: Sequence[str]) -> int:
    """Show each warm process of this user: what it is for, what it has imported, what it costs."""
    _parse("status", "Show the warm processes of this user.", arguments)
    shown = [lines for connection in _connections() for lines in [_status(connection)] if lines]
    print("\n\n".join(shown) or NONE)
    return 0


def stop(arguments: Sequence[str]) -> int:
    """End each warm process of this user; runs that are under way go on, and end first."""
    _parse("stop", "End the warm processes of this user.", arguments)
    ended = 0
    for connection in _connections():
        facts = _ask(connection, "status", "facts")
        answer = _ask(connection, "stop", "stopping")
        if facts and answer:
            running = answer.number("running")
            after = f", after {running} run{'s' * (running != 1)} under way" if running else ""
            print(f"process {facts.number('process')}, for {facts.text('project')}: ends{after}")
            if not running:
                connection.receive()  # hangs up when it has ended
            ended += 1
    if not ended:
        print(NONE)
    return 0


def _parse(name: str, what: str, arguments: Sequence[str]) -> None:
    argparse.ArgumentParser(prog=f"heavyimports {name}", description=what).parse_args(list(arguments))


def _connections() -> Iterator[Connection]:
    """One to each warm process; what is left of one that has been killed is taken away."""
    try:
        directory = open_directory(socket_directory())
    except OSError as error:
        raise CommandRefused(f"the sockets of warm processes can't be looked for: {error}") from error
    try:
        for file in sorted(os.listdir(directory)):
            name, kind = os.path.splitext(file)
            if kind == ".sock":
                connection = connect(directory, name)
                if connection:
                    yield connection
                    connection.close()
                else:
                    with suppress(FileNotFoundError):
                        os.unlink(socket_path(directory, name))
    finally:
        os.close(directory)


def _ask(connection: Connection, kind: str, answer: str) -> Message | None:
    """The *answer* to a question; ``None`` from a process that is about to end, is gone, or is of another version."""
    try:
        connection.send(Message(kind))
        received = connection.receive()
    except (MessageRefused, OSError):
        return None
    return received if received and received.kind == answer else None


def _status(connection: Connection) -> str:
    facts = _ask(connection, "status", "facts")
    if facts is None:
        return ""
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
