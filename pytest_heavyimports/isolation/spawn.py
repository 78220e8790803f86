"""Starts fresh interpreters that run pytest as this one does, for one test or as a template: see ``fresh_start.py``."""

from __future__ import annotations

import marshal
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..process.interpreter import interpreter_flags
from .others import junitxml, testmon
from .reports import plain
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from .hosts import Pipes

START = Path(__file__).resolve().with_name("fresh_start.py")
_COVERAGE_OPTIONS = ("run:branch", "run:source", "run:include", "run:omit", "run:data_file", "run:concurrency")


class Spawner:
    """Knows how this pytest was started."""

    def __init__(self, config: pytest.Config, needed: Iterable[str], known: list[str], temporary: Path) -> None:
        """
        Args:
            config: pytest's, here.
            needed: The declared modules that a template is to import.
            known: Other heavy modules, which have been imported here.
            temporary: The directory for their temporary directories, which are numbered.
        """
        self._config = config
        self._needed = sorted(needed)
        self._known = known
        self._temporary = temporary
        self._number = 0

    def template(self, control: Wire, _: Wire, pipes: Pipes) -> int:
        """Start a template; gives its number."""
        return self._start(True, control, pipes, {})

    def child(self, pipes: Pipes, mark: dict[str, str]) -> tuple[int, Wire]:
        """Start an interpreter for one test, marked; gives its number, and the wire to send tests by."""
        reading, writing = os.pipe()
        jobs = Wire(reading)
        pid = self._start(False, jobs, pipes, mark)
        jobs.close()
        return pid, Wire(writing)

    def _start(self, is_template: bool, wire: Wire, pipes: Pipes, mark: dict[str, str]) -> int:
        self._number += 1
        setup = os.memfd_create("setup")
        os.write(setup, marshal.dumps(plain({**self._setup(is_template), "mark": pipes.mark}, "", [])))
        os.lseek(setup, 0, os.SEEK_SET)
        given = (setup, wire.fileno(), pipes.for_child.fileno(), pipes.trace)
        command = [sys.executable, *interpreter_flags(), str(START)]
        try:
            for fd in given:
                os.set_inheritable(fd, True)
            # A process group of its own, which Ctrl-C doesn't reach, and which can be ended as a whole.
            return os.posix_spawn(command[0], [*command, *map(str, given)], {**os.environ, **mark}, setpgroup=0)
        finally:
            for fd in given:
                os.set_inheritable(fd, False)
            os.close(setup)

    def _setup(self, is_template: bool) -> dict[str, Any]:
        config = self._config
        worker = getattr(config, "workerinput", None)
        # A worker of pytest-xdist was given no arguments; those of its controller are what the user typed.
        arguments = worker["mainargv"][1:] if worker else config.invocation_params.args
        return {
            "is_template": is_template,
            "arguments": [*arguments, "--no-cov"] if config.pluginmanager.has_plugin("_cov") else [*arguments],
            "needed": self._needed,
            "known": self._known,
            "path": sys.path,
            "argv0": sys.argv[0],
            "directory": str(config.invocation_params.dir),
            "temporary": str(self._temporary / f"isolated-{self._number}"),
            "worker": worker,
            "coverage": _coverage(),
            "testmon": testmon.is_used(config),
            "junitxml": junitxml.is_used(config),
        }


def _coverage() -> dict[str, Any] | None:
    """How coverage counts here; ``None`` where it doesn't."""
    coverage = sys.modules.get("coverage")
    current = coverage.Coverage.current() if coverage else None
    return {name: current.get_option(name) for name in _COVERAGE_OPTIONS} if current else None
