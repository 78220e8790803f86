"""Starts a warm process: at most one of a name, also where ten clients come at once."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from ..errors import NoWarmProcess
from ..process.interpreter import interpreter_flags
from .connection import OF_THE_RUN, Connection, connect, socket_path
from .siblings import tell_difference

WAIT_S = 10.0
"""How long another client may take from taking the lock to listening, or a warm process from hanging up to its end."""
BACKLOG = 128
# pytest's hook comes first: runs are to find our own modules loaded as they would load them, with assertions rewritten.
SERVER = """\
from _pytest.assertion import install_importhook
from _pytest.config import get_config
config = get_config()
for name in ("inicfg", "_inicfg"):  # pytest 8, and 9.0, have none before they have read the command line
    vars(config).setdefault(name, {})
hook = install_importhook(config)
hook.mark_rewrite("pytest_heavyimports")
from pytest_heavyimports.warm.server import main
main(hook)
"""


def start(directory: int, name: str) -> Connection:
    """
    Start the warm process of this name, unless somebody else does, and connect to it.

    The socket listens before there is anybody to answer, so clients that come meanwhile wait in its queue.

    Raises:
        NoWarmProcess: It can't be started.
    """
    tell_difference(directory, name)
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        lock = _take_lock(directory, name)
        if lock is not None:
            try:
                listener = listen(directory, name)
                launch(listener, lock, directory, name)
                listener.close()
            finally:
                os.close(lock)
        connection = connect(directory, name)
        if connection:
            return connection
        time.sleep(0.005)
    raise NoWarmProcess("another process holds the lock of the warm one, and there is none")


def listen(directory: int, name: str) -> socket.socket:
    """The socket of a warm process that is to be, in the place of one that died."""
    path = socket_path(directory, name)
    with suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(BACKLOG)
    return listener


def launch(
    listener: socket.socket, lock: int, directory: int, name: str, *, owner: int = -1, modules: Sequence[str] = ()
) -> None:
    """
    Start a warm process in a session of its own, with this interpreter's flags, and this process's environment.

    Args:
        listener: Its socket.
        lock: Open and locked as long as it lives.
        directory: Where its files are, open.
        name: That of its files.
        owner: A pipe whose other end is closed when nobody needs it any more; -1 for one that waits for more clients.
        modules: What it imports beside what it has learnt.
    """
    # What it, or an import, writes; a client that finds it dead has somewhere to look.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
    log = os.open(f"{name}.log", flags, 0o600, dir_fd=directory)
    inherited = (listener.fileno(), lock, directory, owner)
    try:
        process = subprocess.Popen(
            [sys.executable, *interpreter_flags(), "-c", SERVER, *map(str, inherited), name, *modules],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[number for number in inherited if number >= 0],
            env={variable: value for variable, value in os.environ.items() if variable not in OF_THE_RUN},
            start_new_session=True,
        )
        process.returncode = 0  # it is to outlive us: no warning that it does
        with suppress(OSError):  # the disk is full: clients that wonder why it doesn't answer can't name it
            os.truncate(lock, 0)
            os.pwrite(lock, str(process.pid).encode(), 0)
    finally:
        os.close(log)


def _take_lock(directory: int, name: str) -> int | None:
    """The lock of this name; ``None`` where a warm process, or who starts it, has it."""
    lock = os.open(f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_ino == os.stat(f"{name}.lock", dir_fd=directory).st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass  # somebody has it, or had it, and has taken the file away when it ended
    os.close(lock)
    return None
