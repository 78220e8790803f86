"""The warm processes of one project and interpreter: each has another environment, directory or set of flags."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress

from ..errors import MessageRefused
from .connection import connect
from .key import environment, ignored, project, project_of
from .wire import Message

MOST = 3
"""So many at a time: each has its own memory."""
ANSWER_S = 1.0


def end_least_used(directory: int, name: str) -> None:
    """
    In a new warm process: end those that are too many, the ones first that have had no run for the longest time.

    Args:
        directory: That of the sockets, open.
        name: Of the new process, which counts.
    """
    for _, other in sorted(_others(directory, name))[: -(MOST - 1)]:
        with suppress(OSError, MessageRefused):
            connection = connect(directory, other)
            if connection:
                connection.wait_at_most(ANSWER_S)
                connection.send(Message("stop"))
                connection.close()


def note_use(directory: int, name: str) -> None:
    """A run begins: the time of a socket's file tells when its process was used."""
    with suppress(OSError):
        os.utime(f"{name}.sock", dir_fd=directory)


def tell_difference(directory: int, name: str) -> None:
    """In a client that starts a process, though the project has one: print why that one isn't used."""
    with suppress(OSError, MessageRefused, ValueError):
        others = sorted(_others(directory, name))
        connection = connect(directory, others[-1][1]) if others else None
        if connection is None:
            return
        connection.wait_at_most(ANSWER_S)
        connection.send(Message("readers"))
        facts = connection.receive()
        connection.close()
        different = _different(facts.number("process")) if facts else []
        if facts and different:
            readers = [part.decode() for part in facts.parts("names")]
            reason = f"the environment was read as a whole by {readers[0]}" if readers else "imports may read it"
            print(
                f"heavyimports run: a warm process is started for another value of {different[0]}: {reason}. "
                "If it makes no difference, name it in heavy_warm_ignore.",
                file=sys.stderr,
                flush=True,
            )


def _others(directory: int, name: str) -> Iterator[tuple[int, str]]:
    """When each was used for the last time, and its name."""
    for file in os.listdir(directory):
        other, kind = os.path.splitext(file)
        if kind == ".sock" and other != name and project_of(other) == project_of(name):
            with suppress(FileNotFoundError):
                yield os.stat(file, dir_fd=directory).st_mtime_ns, other


def _different(process: int) -> list[str]:
    """The names of variables that have other values there."""
    with open(f"/proc/{process}/environ", "rb") as file:
        pairs = [os.fsdecode(part).partition("=") for part in file.read().split(b"\0")]
    patterns = ignored(project(os.getcwd()))
    here = dict(environment(os.environ, patterns))
    there = dict(environment({name: value for name, _, value in pairs if name}, patterns))
    return sorted(name for name in {**here, **there} if here.get(name) != there.get(name))
