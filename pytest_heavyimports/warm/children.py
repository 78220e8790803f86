"""``fork()`` for the warm process, and ``versions()``, which asks importlib.metadata in a child that ends after it."""

from __future__ import annotations

import os
import select
import signal
import sys
import warnings
from collections.abc import Callable, Iterable

from .wire import join

BUSY_S = 1.0
"""How often a client that waits for facts is told that there are none yet."""
VERSIONS_S = 10
"""How long the child that looks for versions may take."""


def fork() -> int:
    """Fork; in the child all signals wait until it has become what it is to be."""
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    process = -1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns of a fork where C libraries have threads
            process = os.fork()
    finally:
        if process != 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    return process


def versions(fullnames: Iterable[str], meanwhile: Callable[[], object]) -> bytes:
    """
    Each package of these modules with its version, as the field of a message.

    Asked in a child: the backport of importlib.metadata, which some names take, adds a finder to ``sys.meta_path`` for
    good, and runs would have it. *meanwhile* is called each second: a client would take this process for a stopped one.
    """
    reader, writer = os.pipe()
    try:
        process = fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        return b""
    if process == 0:
        try:
            os.close(reader)
            for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            signal.alarm(VERSIONS_S)
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(join(f"{name} {version}" for name in _tops(fullnames) if (version := _version(name))))
        finally:
            os._exit(0)
    os.close(writer)
    answer = select.poll()
    answer.register(reader)
    while not answer.poll(BUSY_S * 1000):
        meanwhile()
    with os.fdopen(reader, "rb") as pipe:
        versions = pipe.read()
    os.waitpid(process, 0)
    return versions


def _tops(names: Iterable[str]) -> list[str]:
    tops = {name.partition(".")[0] for name in names}
    return sorted(name for name in tops - sys.stdlib_module_names if name[0] != "_")


def _version(name: str) -> str:
    from ..facts.distributions import find_provider  # in a child: what it loads stays there

    provider = find_provider(name)
    return provider.version if provider else ""
