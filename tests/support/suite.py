"""An inner run of pytest on a small suite, for the tests of what users type."""

from __future__ import annotations

import collections
import itertools
import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[1] / "samples"
PLUGIN = "pytest_heavyimports.plugin"
MEASURING = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
"""What has a process measured from its start: by `make coverage`, but where a test measures by itself."""


def unmeasured() -> dict[str, str]:
    """The environment of a process that `make coverage` is to leave alone."""
    return {name: value for name, value in os.environ.items() if name not in MEASURING}


class Suite:
    """A directory with a suite, and pytest run in it, with no plugin but ours."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester = pytester
        self._monkeypatch = monkeypatch
        self.path = pytester.path
        self.log = self.path / "executions.log"

    def write(self, file: str, text: str) -> Path:
        """Write a file of the suite, its indentation removed."""
        target = self.path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return target

    def tests(self, text: str, file: str = "test_it.py") -> Path:
        """Write a test file."""
        return self.write(file, text)

    def declare(self, *lines: str, **settings: str) -> Path:
        """Write a ``pytest.ini`` with these lines of ``heavy_modules`` and other settings."""
        text = ["[pytest]", *(f"{key} = {value}" for key, value in settings.items())]
        if lines:
            text += ["heavy_modules =", *(f"    {line}" for line in lines)]
        return self.write("pytest.ini", "\n".join(text) + "\n")

    def run(
        self,
        *args: str,
        autoload: bool = False,
        path: tuple[Path, ...] = (),
        has_cache: bool = False,
        ours: bool = True,
        is_new: bool = False,
        **environment: str,
    ) -> pytest.RunResult:
        """
        Run pytest in a process of its own, forked from one that has imported pytest.

        Args:
            args: Its arguments.
            autoload: Whether it loads the plugins that are installed, ours among them.
            path: Directories to import from, beside that of the samples.
            has_cache: Whether there is pytest's cache.
            ours: Whether it loads our plugin.
            is_new: Whether it is a new interpreter in place of a fork, for a test that looks at processes from outside.
            environment: Variables to set.
        """
        cache = () if has_cache else ("-p", "no:cacheprovider")
        plugin = ("-p", PLUGIN) if ours and not autoload else ()
        with self._environment(autoload, path, environment, is_measuring="pytest_cov" in args):
            start = self._pytester.runpytest_subprocess if is_new else self._pytester.runpytest
            return start(*cache, *plugin, *args, timeout=120)

    def run_script(self, file: str, path: tuple[Path, ...] = (), **environment: str) -> pytest.RunResult:
        """Run a Python file of the suite in a process of its own."""
        with self._environment(False, path, environment):
            return self._pytester.run(sys.executable, self.path / file, timeout=120)

    @contextmanager
    def _environment(
        self, autoload: bool, path: tuple[Path, ...], environment: dict[str, str], *, is_measuring: bool = False
    ) -> Iterator[None]:
        entries = [*map(str, path), str(SAMPLES), os.environ.get("PYTHONPATH", "")]
        with self._monkeypatch.context() as patch:
            patch.setenv("EXECUTIONS", str(self.log))
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, entries)))
            patch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
            for name in (
                "PYTEST_ADDOPTS",
                "PYTEST_XDIST_WORKER",
                "PYTEST_XDIST_WORKER_COUNT",
                "PYTEST_XDIST_TESTRUNUID",
            ):
                patch.delenv(name, raising=False)
            if not autoload:
                patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
            if is_measuring:
                for name in MEASURING:
                    patch.delenv(name, raising=False)
            for name, value in environment.items():
                patch.setenv(name, value)
            yield

    def run_inside(self, *args: str) -> pytest.RunResult:
        """Run pytest in this process: for options and texts, nothing that imports."""
        with self._monkeypatch.context() as patch:
            patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
            return self._pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", PLUGIN, *args)

    def executions(self) -> collections.Counter[str]:
        """How often each sample was executed in the runs so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return collections.Counter(line.split()[0] for line in lines)

    def executing_processes(self) -> list[str]:
        """The processes that executed a sample, once for each execution."""
        return [line.split()[1] for line in self.log.read_text(encoding="utf-8").splitlines()]


def usage_errors(result: pytest.RunResult) -> list[str]:
    """The lines of a run that ended with a usage error."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR, result.ret
    return [line.removeprefix("ERROR: ") for line in result.errlines if line]


def passed_names(result: pytest.RunResult) -> list[str]:
    """The names of the tests that passed, in the order of the run, which had the argument ``-v``."""
    return [line.split(" ")[0].rpartition("::")[2] for line in result.outlines if " PASSED" in line]


def section(result: pytest.RunResult) -> list[str]:
    """The lines of the section ``heavy imports``; empty where there is none."""
    titles = (number for number, line in enumerate(result.outlines) if line.strip("= ") == "heavy imports")
    begin = next(titles, len(result.outlines)) + 1
    return list(itertools.takewhile(lambda line: not line.startswith("="), result.outlines[begin:]))
