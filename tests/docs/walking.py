"""Walks through a page: writes its files, runs its commands, and compares what they print with what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from .pages import CONFIGURATION_FILES, ROOT, Block, Walk

if TYPE_CHECKING:
    from pytest_heavyimports.pytester.forked import ForkedProcess, ForkedRuns

SHOWN_FOLDER = "/home/me/project"
"""Stands for the folder of the walk in what is printed."""
LIMIT_S = 300

# What varies from run to run, and so is compared by its kind alone.
FIGURES = (
    (re.compile(r"\d+(\.\d+)?(?= (s|ms|KiB|MiB|GiB|%)(\W|$))"), "N"),
    (re.compile(r"\bin \d+\.\d+s\b"), "in N s"),
    (re.compile(r"([=_-])\1{2,}"), r"\1\1\1"),
    (re.compile(r"(?<=\S)  +"), "  "),
)


class Walker:
    """One walk, in a folder of its own."""

    def __init__(self, walk: Walk, folder: Path, home: Path, runs: ForkedRuns | None = None) -> None:
        """
        Args:
            walk: What to do.
            folder: An empty folder to do it in.
            home: A folder for what programs keep for their user.
            runs: Forks the runs that only read a configuration; without it they are new interpreters.
        """
        self._runs = runs
        self._folder = self._directory = folder
        self.printed: list[str] = []
        """What each command of the last block with commands has printed."""
        self._is_warm = False
        self._environment = environment(home)
        if walk.folder != "empty":
            shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__", ".*"))
            self._folder = self._directory = folder / walk.folder

    def do(self, block: Block) -> None:
        """What is to be done with a block."""
        if block.what == "not run":
            return
        if block.what == "output":
            self._compare(f"...\n{block.text}\n...", "the output before it")
        elif block.what == "file":
            self._write(block)
        elif block.language == "console":
            self.printed = []
            for command, expected in commands(block.text):
                self._run(command, expected)
        else:
            name = "pytest.ini" if block.language == "ini" else "pyproject.toml"
            self._check_configuration(name, block.text)

    def end(self) -> None:
        """End the warm processes that the walk has started."""
        if self._is_warm:
            subprocess.run(["heavyimports", "stop"], env=self._environment, check=True, capture_output=True)

    def _write(self, block: Block) -> None:
        target = self._directory / block.value
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text + "\n", encoding="utf-8")
        if target.name in CONFIGURATION_FILES:
            self._check_configuration(target.name, block.text)

    def _check_configuration(self, name: str, text: str) -> None:
        """Give it to pytest, in an empty folder: it must know each key, and take each value."""
        scratch = self._folder.parent / "configuration"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        (scratch / name).write_text(text + "\n", encoding="utf-8")
        nothing_collected = pytest.ExitCode.NO_TESTS_COLLECTED
        for arguments, status in ((["--heavy-list"], 0), (["--strict-config", "--collect-only"], nothing_collected)):
            ended, printed = self._pytest(scratch, "-c", name, *arguments)
            assert ended == status, f"pytest refuses this configuration:\n{text}\n{printed}"

    def _pytest(self, directory: Path, *arguments: str) -> tuple[int, str]:
        """The exit status of a run, and what it printed."""
        command = [sys.executable, "-mpytest", *arguments]
        with tempfile.TemporaryFile() as output, _working_in(directory):
            process: ForkedProcess | subprocess.Popen[bytes]
            if self._runs:
                process = self._runs.start(command, self._environment, output.fileno(), output.fileno())
            else:
                process = subprocess.Popen(command, env=self._environment, stdout=output, stderr=output)
            status = process.wait(LIMIT_S)
            output.seek(0)
            return status, output.read().decode()

    def _run(self, command: str, expected: str) -> None:
        if command.startswith("pip install "):
            check_installed(command.removeprefix("pip install "))
            return
        self._is_warm |= "heavyimports run" in command
        told = self._folder.parent / "directory"
        done = subprocess.run(
            ["bash", "-c", f"trap 'pwd > \"$TOLD\"' EXIT\n{command}"],
            cwd=self._directory,
            env={**self._environment, "TOLD": str(told)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
        )
        self._directory = Path(told.read_text(encoding="utf-8").strip())
        self.printed.append(done.stdout.replace(str(self._folder), SHOWN_FOLDER))
        if expected:
            self._compare(expected, f"$ {command}")
        else:
            assert done.returncode == 0, f"$ {command}: exit status {done.returncode}\n{self.printed[-1]}"

    def _compare(self, expected: str, what: str) -> None:
        printed = self.printed[-1]
        assert is_like(printed, expected), f"{what}\n--- told\n{expected}\n--- printed\n{printed}"


@contextmanager
def _working_in(directory: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def environment(home: Path) -> dict[str, str]:
    """That of a stranger with these packages, who has no terminal."""
    of_this_run = ("PYTEST_", "PYTHON", "COVERAGE_", "COV_CORE_", "HYPOTHESIS_", "HEAVY_", "GITHUB_")
    changes_output = ("CI", "BUILD_NUMBER", "FORCE_COLOR", "PY_COLORS")  # pytest shortens nothing under CI
    for name in ("run", "cache"):
        (home / name).mkdir(exist_ok=True)
    return {
        **{name: os.environ[name] for name in os.environ if not name.startswith((*of_this_run, *changes_output))},
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "COLUMNS": "80",
        "PYTHONIOENCODING": "utf-8",
    }


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a block with what it is said to print; a line that ends in a backslash goes on in the next."""
    command, printed, is_continued = "", [], False
    for line in text.splitlines():
        if is_continued:
            command += f"\n{line}"
        elif line.startswith("$ "):
            if command:
                yield command, "\n".join(printed)
            command, printed = line.removeprefix("$ "), []
        elif command:
            printed.append(line)
        else:
            raise ValueError(f"a console block begins with '$ ', not with {line!r}")
        is_continued = command.endswith("\\") and not printed
    yield command, "\n".join(printed)


def is_like(printed: str, expected: str) -> bool:
    """
    Whether that was printed: line by line, figures by their kinds.

    A line of three dots stands for any number of lines, three dots within one for anything.
    """
    pattern = ""
    for line in expected.strip("\n").splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in plain(line).split("...")) + r"\n"
    lines = [plain(line) for line in printed.strip("\n").splitlines()]
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def plain(line: str) -> str:
    """A line without what varies."""
    line = line.rstrip()
    for figure, kind in FIGURES:
        line = figure.sub(kind, line)
    return line


def check_installed(requirements: str) -> None:
    """Nothing is installed by a test: what a page says to install is what these tests run with."""
    for text in requirements.replace("'", "").split():
        requirement = Requirement(text)
        extras = [Requirement(each) for each in metadata.requires(requirement.name) or () for _ in requirement.extras]
        needed = [
            each
            for each in extras
            if each.marker and any(each.marker.evaluate({"extra": extra}) for extra in requirement.extras)
        ]
        for each in (requirement, *needed):
            assert each.specifier.contains(metadata.version(each.name), prereleases=True), f"{each} is not installed"
