"""Where the workers of pytest-xdist come from: the warm process of this key, or one that lives as long as the run."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ..config.declarations import read_declarations
from ..config.hooks import Hooks
from ..config.options import is_worker
from ..config.sources import from_ini
from ..errors import MessageRefused
from ..session import begun_session, installed_packages
from .client import environment
from .connection import connect
from .key import identity, name_of, open_directory, socket_directory
from .starting import launch, listen
from .wire import Message, join

if TYPE_CHECKING:
    import execnet

WORKER = os.path.join(os.path.dirname(__file__), "worker.py")
ANSWER_S = 10.0
"""How long a warm process of others may take to answer: it may be importing something that others want."""
IMPORT_S = 120.0
"""How long one that was started for the run may take: it begins with all that it is to import."""

source_key: pytest.StashKey[WorkerSource] = pytest.StashKey()
"""What was begun before the conftest files were read."""


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
        with suppress(OSError):
            self._directory = socket_directory()
            if self._answers(modules):
                return
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
        """Whether workers of this process as it is now can be forked there; these *modules* it imports as well."""
        return self._name == name_of(identity()) and self._answers(modules)

    def _answers(self, modules: Sequence[str]) -> bool:
        """Whether it is there, and not out of date."""
        try:
            directory = open_directory(self._directory)
            try:
                connection = connect(directory, self._name)
            finally:
                os.close(directory)
            if connection is None:
                return False
            try:
                connection.wait_at_most(IMPORT_S if self._owned else ANSWER_S)
                connection.send(Message("suits", environment=environment(), modules=join(modules)))
                answer = connection.receive()
            finally:
                connection.close()
        except (OSError, MessageRefused):
            return False
        return answer is not None and answer.kind == "suits"

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


class WarmWorkerHooks(Hooks):
    """Where pytest-xdist starts workers on this machine: they are forked from a warm process."""

    def __init__(self, find: Callable[[], WorkerSource]) -> None:
        self._find = find

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: list[execnet.XSpec]) -> None:
        """Name a command that asks the warm process in the place of an interpreter."""
        # Not one of another machine, through another gateway, or with an interpreter that somebody has chosen.
        own = [number for number, spec in enumerate(specs) if spec.popen and not (spec.via or spec.python)]
        command = self._find().command() if own else ""
        for number in own:
            spec = specs[number]
            specs[number] = type(spec)(f"{spec}//python={command}")
            specs[number].id = spec.id


def attach_early(config: pytest.Config) -> None:
    """Begin, with what the ini file declares, while pytest still reads conftest files, which may take as long again."""
    asked = config.known_args_namespace
    runs_nothing = asked.collectonly or asked.help or asked.version
    is_distributed = getattr(asked, "numprocesses", None) and not getattr(asked, "usepdb", False)
    if is_distributed and not runs_nothing and "PYTEST_XDIST_WORKER" not in os.environ:
        declared, _ = read_declarations(from_ini(config, []))
        config.stash[source_key] = _begin(config, tuple(installed_packages(declared.values())))


def attach(config: pytest.Config) -> None:
    """Have pytest-xdist's workers forked from a warm process, where this process is to start any."""
    if not config.pluginmanager.has_plugin("xdist"):
        raise pytest.UsageError("--heavy-warm is for the workers of pytest-xdist, which isn't there.")
    if is_worker(config) or not config.option.tx or config.option.collectonly:
        return
    session = begun_session(config)
    find = partial(_find, config, tuple(session.packages) if session else ())
    config.pluginmanager.register(WarmWorkerHooks(find), "heavyimports-warm-workers")


def _find(config: pytest.Config, modules: Sequence[str]) -> WorkerSource:
    """What was begun early, unless conftest files have changed what it depends on."""
    source = config.stash.get(source_key, None)
    if source and source.suits(modules):
        return source
    if source:
        source.close()
    return _begin(config, modules)


def _begin(config: pytest.Config, modules: Sequence[str]) -> WorkerSource:
    source = WorkerSource(modules)
    config.add_cleanup(source.close)
    return source
