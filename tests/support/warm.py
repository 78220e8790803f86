"""Suites that are run by ``heavyimports run``, with warm processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .suite import SAMPLES, Suite

if TYPE_CHECKING:
    from .installed import Installed

# What starts the measuring of a process, or tells of the run that these tests are part of.
_OF_THIS_RUN = ("PYTEST_", "COVERAGE_", "COV_CORE_", "PYTHON", "EXECUTIONS", "HYPOTHESIS_")

# `make coverage`: by tests/measured/sitecustomize.py.
_IS_MEASURED = "COVERAGE_PROCESS_CONFIG" in os.environ
_TESTS = Path(__file__).resolve().parents[1]


class WarmSuite:
    """A suite where ``plainpkg`` is installed, and the command, with sockets and a cache of its own."""

    def __init__(self, suite: Suite, installed: Installed, home: Path) -> None:
        self.suite = suite
        self.path = suite.path
        self.sockets = home / "run" / "pytest-heavyimports"
        self.cache = home / "cache"
        for directory in (self.sockets.parent, self.cache):
            directory.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OF_THIS_RUN)},
            **installed.environment,
            "XDG_RUNTIME_DIR": str(self.sockets.parent),
            "XDG_CACHE_HOME": str(self.cache),
            "EXECUTIONS": str(suite.log),
            "PYTHONPATH": os.pathsep.join([str(installed.site), str(SAMPLES)]),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        if _IS_MEASURED:
            self.environment |= {
                "PYTHONPATH": os.pathsep.join([str(_TESTS / "measured"), self.environment["PYTHONPATH"]]),
                "MEASURED_FROM": str(_TESTS.parent),
            }

    def start(self, *arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        """``heavyimports run``, under way."""
        return subprocess.Popen(
            [str(_COMMAND), "run", *_PLUGINS, *arguments],
            cwd=cwd or self.path,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, cwd: Path | None = None, **environment: str) -> pytest.RunResult:
        """``heavyimports run``."""
        begin = time.perf_counter()
        process = self.start(*arguments, cwd=cwd, **environment)
        output, errors = process.communicate(timeout=120)
        return pytest.RunResult(
            process.returncode, output.splitlines(), errors.splitlines(), time.perf_counter() - begin
        )

    def plain(self, *arguments: str) -> pytest.RunResult:
        """``pytest``, for comparison."""
        done = subprocess.run(
            [str(_COMMAND.with_name("pytest")), *_PLUGINS, *arguments],
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return pytest.RunResult(done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), 0)

    def tell(self, command: str) -> list[str]:
        """What ``heavyimports status`` or ``stop`` prints."""
        asking = self.start_command(command)
        output, errors = asking.communicate(timeout=60)
        assert asking.returncode == 0, errors
        return output.splitlines()

    def start_command(self, command: str) -> subprocess.Popen[str]:
        """``heavyimports status`` or ``stop``, under way."""
        return subprocess.Popen(
            [str(_COMMAND), command],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[int]:
        """The warm processes there are."""
        return [int(line.split()[1]) for line in self.tell("status") if line.startswith("process ")]

    def learn(self, *arguments: str) -> int:
        """Run until a warm process has imported what the run imports; that process."""
        assert self.run(*arguments).ret == 0
        # It says so when it has: it does nothing else meanwhile.
        (process,) = self.processes()
        return process

    def files(self) -> list[str]:
        """What is in the directory of the sockets."""
        return sorted(file.name for file in self.sockets.iterdir()) if self.sockets.exists() else []


_COMMAND = Path(sys.executable).with_name("heavyimports")
_PLUGINS = ("-p", "pytest_heavyimports.plugin")


@contextmanager
def opened(suite: Suite, installed: Installed, home: Path) -> Iterator[WarmSuite]:
    """A suite; its warm processes end with it, and leave nothing behind."""
    warm = WarmSuite(suite, installed, home)
    yield warm
    warm.tell("stop")
    assert warm.files() == []


def is_alive(process: int) -> bool:
    """Whether there is such a process, a zombie too."""
    return Path(f"/proc/{process}").exists()
