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

from ..declarations import read_declarations
from ..session import installed_packages, session_key
from ..sources import from_ini
from ..warm_hooks import WorkerHooks
from .client import connect, environment
from .key import identity, name_of, open_directory, socket_directory
from .starting import launch, listen
from .wire import Message

WORKER = os.path.join(os.path.dirname(__file__), "worker.py")
OF_PLUGINS = ("COV_", "COVERAGE_", "PYTEST_")
"""How the variables begin that pytest and its plugins set themselves, and that no import of a heavy module reads."""

source_key: pytest.StashKey[WorkerSource] = pytest.StashKey()
"""What was begun before the conftest files were read."""


class WorkerSource:
    """A warm process that forks workers."""

    def __init__(self, modules: Sequence[str]) -> None:
        """
        Args:
            modules: What it is to import beside what earlier runs have imported, where it is started for this run.
        """
        self._modules = modules
        self._environment = _environment()
        self._owned = ""
        self._pipe = -1
        self._name = name_of(identity())
        if _is_there(self._name):
            self._directory = socket_directory()
        else:
            self._start(modules)

    def command(self) -> str:
        """The value of ``python`` in a specification of execnet's: started in place of an interpreter."""
        return shlex.join([sys.executable, "-I", "-S", WORKER, self._directory, self._name])

    def close(self) -> None:
        """Let it end, if it was started for this run; closing twice is harmless."""
        owned, self._owned = self._owned, ""
        if owned:
            os.close(self._pipe)
            shutil.rmtree(owned, ignore_errors=True)

    def suits(self, modules: Sequence[str]) -> bool:
        """Whether one that is begun now for these modules would be the same."""
        return (modules, _environment()) == (self._modules, self._environment)

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


def _is_there(name: str) -> bool:
    """Whether there is a warm process of this name already that is not out of date; one that is ends itself."""
    try:
        directory = open_directory(socket_directory())
        try:
            connection = connect(directory, name)
        finally:
            os.close(directory)
        if connection is None:
            return False
        try:
            connection.send(Message("suits", environment=environment()))
            answer = connection.receive()
        finally:
            connection.close()
    except OSError:
        return False
    return answer is not None and answer.kind == "suits"


def begin_early(config: pytest.Config) -> None:
    """Begin, with what the ini file declares, while pytest still reads conftest files, which may take as long again."""
    asked = config.known_args_namespace
    runs_nothing = asked.collectonly or asked.help or asked.version
    is_distributed = getattr(asked, "numprocesses", None) and not asked.usepdb
    if is_distributed and not runs_nothing and "PYTEST_XDIST_WORKER" not in os.environ:
        declared, _ = read_declarations(from_ini(config, []))
        config.stash[source_key] = _begin(config, tuple(installed_packages(declared.values())))


def warm_workers(config: pytest.Config) -> None:
    """Have pytest-xdist's workers forked from a warm process, where this process is to start any."""
    if not config.pluginmanager.has_plugin("xdist"):
        raise pytest.UsageError("--heavy-warm is for the workers of pytest-xdist, which isn't there.")
    if hasattr(config, "workerinput") or not config.option.tx or config.option.collectonly:
        return
    declared = config.stash[session_key].declared.values() if session_key in config.stash else ()
    modules = tuple(installed_packages(declared))
    source = config.stash.get(source_key, None)
    if source and not source.suits(modules):
        source.close()
        source = None
    config.pluginmanager.register(WorkerHooks(source or _begin(config, modules)), "heavyimports-warm-workers")


def _begin(config: pytest.Config, modules: Sequence[str]) -> WorkerSource:
    source = WorkerSource(modules)
    config.add_cleanup(source.close)
    return source


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OF_PLUGINS)}
