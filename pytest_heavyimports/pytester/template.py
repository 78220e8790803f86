"""
The process that inner runs of pytest are forked from.

It is started as a script, and imports nothing of this package: a child is to find a plugin under test as a new
interpreter would. It has imported pytest, pytest's own plugins and the modules that it was told to preload.

The protocol. Requests come by a Unix socket of packets, one at a time; each is answered by a JSON object.

- At the start it sends ``{"fault": text}``: why it can't fork, empty where it can. Where it can't, it ends.
- ``{"wait": null}``, with the descriptors of a file and of stdin, stdout and stderr, starts a run. The file has a JSON
  object ``{"arguments": [str], "directory": str, "environment": {str: str}, "umask": int}``. The answer is
  ``{"pid": int}``, with a pidfd of the child.
- ``{"wait": pid}`` waits for that child. The answer is ``{"pid": int, "status": int}``, as from ``os.waitpid``.

When the socket closes, the process kills unfinished runs and exits. A run ends as an interpreter does, by Python's own
shutdown. Nothing is shared with the template of isolated tests, which is a copy of a whole session and runs one child.
"""

from __future__ import annotations

import gc
import importlib.machinery
import importlib.util
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
from importlib.abc import InspectLoader
from types import ModuleType
from typing import Any

MAIN = "pytest.__main__"
SUFFIXES = tuple(importlib.machinery.all_suffixes())
CUSTOMIZING = {"sitecustomize", "usercustomize"}
"""Modules that an interpreter imports when it starts, if there are any."""
ALSO_IMPORTED = ("email.parser", "faulthandler", "pdb", "readline")
"""Modules of the standard library that nearly every run of pytest imports after its plugins; 15 ms of a run."""


def import_pytest() -> None:
    """Import pytest and its own plugins."""
    import pytest  # noqa: F401
    from _pytest import config  # as above: what this function is for

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


def start_run(request: dict[str, Any], streams: list[int]) -> None:
    """Make this process, a child, one that ``python -m pytest`` has just been started in."""
    for target, stream in enumerate(streams):
        if stream != target:
            os.dup2(stream, target)
            os.close(stream)
    os.chdir(request["directory"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    entries = [os.path.abspath(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    own = [] if getattr(sys.flags, "safe_path", False) else [os.getcwd()]
    if any(map(would_find_others, [*own, *entries])):
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # as subprocess does
            signal.signal(number, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, "-mpytest", *request["arguments"]])
    time.tzset()
    site.USER_BASE = site.USER_SITE = None  # of another home
    sys.orig_argv = [sys.executable, "-mpytest", *request["arguments"]]
    sys.path[:] = [*own, *dict.fromkeys([*entries, *sys.path])]
    sys.path_importer_cache.clear()
    set_id = getattr(threading.main_thread(), "_set_native_id", None)  # private; without it, it is the template's
    if set_id:
        set_id()


def would_find_others(entry: str) -> bool:
    """Whether an interpreter with this entry of ``sys.path`` would import other modules than are there."""
    try:
        names = {name.partition(".")[0] for name in os.listdir(entry) if "." not in name or name.endswith(SUFFIXES)}
    except NotADirectoryError:
        return True  # an archive
    except OSError:
        return False
    there = {name: sys.modules[name] for name in names if name in sys.modules}
    others = [name for name, module in there.items() if os.path.dirname(entry_of(module)) != entry]
    return bool(others or CUSTOMIZING & names)


def entry_of(module: ModuleType) -> str:
    """The file or the directory of a module, which lies in an entry of ``sys.path``."""
    file = getattr(module, "__file__", None) or ""
    return os.path.dirname(file) if hasattr(module, "__path__") else file


def run_pytest(arguments: list[str]) -> None:
    """What ``python -m pytest`` does: the module is the process's ``__main__`` for as long as it lives."""
    spec = importlib.util.find_spec(MAIN)
    assert spec
    assert isinstance(spec.loader, InspectLoader)
    code = spec.loader.get_code(MAIN)
    assert code
    main = importlib.util.module_from_spec(spec)
    main.__name__ = "__main__"
    sys.modules["__main__"] = main
    sys.argv = [str(spec.origin), *arguments]
    exec(code, vars(main))


def serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork children until the socket closes; gives a child its request."""
    children: set[int] = set()
    is_child = False
    try:
        while message := receive(control):
            pid, descriptors = message
            if pid:
                pid, status = os.waitpid(pid, 0)
                children.remove(pid)
                control.send(json.dumps({"pid": pid, "status": status}).encode())
                continue
            with open(descriptors[0], encoding="utf-8") as file:
                request: dict[str, Any] = json.load(file)
            pid = os.fork()
            if not pid:
                is_child = True
                control.close()
                restore_signals()
                start_run(request, descriptors[1:])
                return request
            children.add(pid)
            for stream in descriptors[1:]:
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
            control.close()
    return None


def receive(control: socket.socket) -> tuple[int | None, list[int]] | None:
    """Which child to wait for, or descriptors for a new one; ``None`` when the socket has closed."""
    message, descriptors, _, _ = socket.recv_fds(control, 100, 4)
    return (json.loads(message)["wait"], descriptors) if message else None


def take_signals() -> dict[int, Any]:
    """Leave Ctrl-C to the runs, and wait for children even where they were to be reaped by the system."""
    return {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGCHLD: signal.signal(signal.SIGCHLD, signal.SIG_DFL),
    }


def restore_signals() -> None:
    """In a run: what signals do in an interpreter that has just been started."""
    for number, handler in SIGNALS.items():
        signal.signal(number, handler)


def main() -> dict[str, Any] | None:
    """
    Be the process: ``template.py DESCRIPTOR FORKING [MODULE ...]``, to preload from ``PRELOAD_PATH``.

    Returns:
        In a child, what it is to run.
    """
    descriptor, forking, *preload = sys.argv[1:]
    control = socket.socket(fileno=int(descriptor))
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
        control.close()
        return None
    # What a child shares, its collections need not look at: 0.02 s of 0.08 s of CPU that a run of one test takes.
    gc.collect()
    gc.freeze()
    return serve(control)


if __name__ == "__main__":
    SIGNALS = take_signals()
    if request := main():
        run_pytest(request["arguments"])
