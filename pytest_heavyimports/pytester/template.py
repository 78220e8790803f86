"""
The process that inner runs of pytest are forked from.

It is started as a script, and imports nothing of this package: a child is to find a plugin under test as a new
interpreter would. It has imported pytest, pytest's own plugins and the modules that it was told to preload.

The protocol. Requests come by a Unix socket of packets, one at a time, each a JSON object; so do the answers.

- At the start it answers ``{"fault": text}``: why it can't fork, empty where it can. Where it can't, it ends.
- ``{"arguments": [str], "directory": str, "environment": {str: str}, "umask": int}``, with the descriptors of stdin,
  stdout and stderr, starts a run. It answers ``{"pid": int}``, with a pidfd of the child.
- ``{"wait": pid}`` waits for that child. It answers ``{"pid": int, "status": int}``, as ``os.waitpid`` does.

When the socket closes, the process kills unfinished runs and exits. A run ends as an interpreter does, by Python's own
shutdown. Nothing is shared with the template of isolated tests, which is a copy of a whole session and runs one child.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import runpy
import signal
import site
import socket
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

REQUEST_BYTES = 2**20
"""As large as a request may be: the arguments and the environment of a process, which the system bounds as well."""
ALSO_IMPORTED = ("email.parser", "faulthandler", "pdb", "readline")
"""Modules of the standard library that nearly every run of pytest imports after its plugins; 15 ms of a run."""


def import_pytest() -> None:
    """Import pytest and its own plugins."""
    import pytest  # noqa: F401
    from _pytest import config

    # A private name, since pytest 5. Without it, a child imports the plugins itself.
    for name in getattr(config, "default_plugins", ()):
        importlib.import_module(f"_pytest.{name}")
    import_all(ALSO_IMPORTED)


def import_all(names: Iterable[str]) -> None:
    """Import modules. A missing or broken module is reported by the run that needs it."""
    for name in names:
        with suppress(Exception):
            importlib.import_module(name)


def why_not_fork(forking: str) -> str:
    """
    Why a child would not be as a new interpreter is; empty where it would.

    Args:
        forking: The file of this package that knows which threads do no harm.
    """
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return f"{error.strerror} (pidfd_open)"
    if len(os.listdir("/proc/self/task")) == 1:
        return ""
    if threads := [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]:
        return f"a preloaded module has started a thread ({', '.join(threads)})"
    rules = runpy.run_path(forking)
    return str(rules["why_not_fork"](rules["threads_of_imports"]()))


def start_run(request: dict[str, object], streams: list[int]) -> None:
    """Make this process, a child, one that ``python -m pytest`` has just been started in."""
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.chdir(str(request["directory"]))
    os.umask(int(str(request["umask"])))
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]  # of texts, by the protocol
    time.tzset()
    sys.argv = ["-m", *request["arguments"]]  # type: ignore[misc]  # of texts, by the protocol
    sys.orig_argv = [sys.executable, "-mpytest", *sys.argv[1:]]
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = dict.fromkeys([*(os.path.abspath(entry) for entry in entries if entry), *sys.path])
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, os.getcwd())
    sys.path_importer_cache.clear()
    site.USER_BASE = site.USER_SITE = None  # of another home


def serve(control: socket.socket) -> bool:
    """Fork children until the socket closes; true in a child."""
    children: set[int] = set()
    is_child = False
    try:
        while message := receive(control):
            request, streams = message
            if "wait" in request:
                pid, status = os.waitpid(int(str(request["wait"])), 0)
                children.remove(pid)
                control.send(json.dumps({"pid": pid, "status": status}).encode())
                continue
            pid = os.fork()
            if not pid:
                is_child = True
                control.close()
                start_run(request, streams)
                return True
            children.add(pid)
            for stream in streams:
                os.close(stream)
            pidfd = os.pidfd_open(pid)
            socket.send_fds(control, [json.dumps({"pid": pid}).encode()], [pidfd])
            os.close(pidfd)
    except OSError:  # the other side has closed the socket, with an answer unread or before one came
        if is_child:
            raise
    finally:
        if not is_child:
            for pid in children:
                os.kill(pid, signal.SIGKILL)
    return False


def receive(control: socket.socket) -> tuple[dict[str, object], list[int]] | None:
    """The next request, and the descriptors that came with it; ``None`` when the socket has closed."""
    message, ancillary, _, _ = control.recvmsg(REQUEST_BYTES, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    streams = array.array("i", b"".join(data for _, _, data in ancillary)).tolist()
    return (json.loads(message), streams) if message else None


def main() -> None:
    """Be the process: ``template.py DESCRIPTOR FORKING [MODULE ...]``, to preload from ``PRELOAD_PATH``."""
    descriptor, forking, *preload = sys.argv[1:]
    control = socket.socket(fileno=int(descriptor))
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runs
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]  # the directory of this file
    import_pytest()
    path = [*sys.path]
    sys.path += os.environ.get("PRELOAD_PATH", "").split(os.pathsep)
    import_all(preload)
    sys.path[:] = path
    fault = why_not_fork(forking)
    with suppress(BrokenPipeError):  # nobody waits for it any more
        control.send(json.dumps({"fault": fault}).encode())
    if fault:
        return
    # What a child shares, its collections need not look at: 0.02 s of 0.08 s of CPU that a run of one test takes.
    gc.collect()
    gc.freeze()
    if serve(control):
        signal.signal(signal.SIGINT, interrupted)
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
