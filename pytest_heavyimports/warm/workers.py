"""Where the workers of pytest-xdist come from: the warm process of this key, or one that lives as long as the run."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress

import pytest

from ..session import installed_packages, session_key
from ..warm_hooks import WorkerHooks
from .client import connect
from .key import identity, name_of, open_directory, socket_directory
from .starting import launch, listen

WORKER = os.path.join(os.path.dirname(__file__), "worker.py")


class WorkerSource:
    """A warm process that forks workers."""

    def __init__(self, modules: Sequence[str]) -> None:
        """
        Args:
            modules: What it is to import beside what earlier runs have imported, where it is started for this run.
        """
        self._owned = ""
        self._pipe = -1
        self._name = name_of(identity())
        try:
            directory = open_directory(socket_directory())
            is_there = connect(directory, self._name)
            os.close(directory)
        except OSError:
            is_there = None
        if is_there:
            is_there.close()
            self._directory = socket_directory()
        else:
            self._start(modules)

    def command(self) -> str:
        """The value of ``python`` in a specification of execnet's: started in place of an interpreter."""
        return shlex.join([sys.executable, "-I", "-S", WORKER, self._directory, self._name])

    def close(self) -> None:
        """Let it end, if it was started for this run."""
        if self._owned:
            os.close(self._pipe)
            shutil.rmtree(self._owned, ignore_errors=True)

    def _start(self, modules: Sequence[str]) -> None:
        self._owned = self._directory = tempfile.mkdtemp(prefix="heavy-warm-")
        directory = open_directory(self._directory)
        lock = os.open(f"{self._name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=directory)
        reading, self._pipe = os.pipe()
        listener = listen(directory, self._name)
        try:
            launch(listener, lock, directory, self._name, owner=reading, modules=modules)
        finally:
            listener.close()
            for number in (directory, lock, reading):
                with suppress(OSError):
                    os.close(number)


def warm_workers(config: pytest.Config) -> None:
    """Have pytest-xdist's workers forked from a warm process, where this process is to start any."""
    if not config.pluginmanager.has_plugin("xdist"):
        raise pytest.UsageError("--heavy-warm is for the workers of pytest-xdist, which isn't there.")
    if hasattr(config, "workerinput") or not config.option.tx:
        return
    declared = config.stash[session_key].declared.values() if session_key in config.stash else ()
    source = WorkerSource(tuple(installed_packages(declared)))
    config.add_cleanup(source.close)
    config.pluginmanager.register(WorkerHooks(source), "heavyimports-warm-workers")
