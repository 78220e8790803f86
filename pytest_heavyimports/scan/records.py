"""Values that the files of this room hand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..config.declarations import HeavyModule


BY_FLAG = "--module"
"""The source of what is declared on the command line, for this once."""


class Project(NamedTuple):
    """What the configuration of a project says."""

    root: Path
    """pytest's rootdir."""
    paths: tuple[Path, ...]
    """Files and directories that were asked for, or those that pytest would collect."""
    declared: Mapping[str, HeavyModule]
    """By alias; without those that the configuration puts stand-ins in the place of."""
    config_file: Path | None
    python_files: tuple[str, ...]
    python_classes: tuple[str, ...]
    python_functions: tuple[str, ...]
    norecursedirs: tuple[str, ...]
    path: tuple[str, ...]
    """Directories that the code under test is imported from."""
    cache: Path
    """A folder for what a later scan can use; it need not be there."""

    def shown(self, file: Path) -> str:
        """A file as it is told: relative to the root directory where it lies in it."""
        return file.relative_to(self.root).as_posix() if file.is_relative_to(self.root) else str(file)


class Finding(NamedTuple):
    """Something in a file that costs, or breaks."""

    rule: str
    file: str
    line: int
    column: int
    """From 1, as editors count."""
    message: str
    chain: tuple[str, ...] = ()
    """From the file to the heavy module; empty where nothing is imported."""
    seconds: float | None = None
    """What it costs, where a report was given that tells."""
    scope: str = ""
    """The classes and functions that it stands in, as in a nodeid; empty at the top of the file."""
    statement: str = ""
    """Its code, in one form however it is laid out."""

    @property
    def heavy(self) -> str:
        """The module at the end of the chain; empty where there is none."""
        return self.chain[-1] if self.chain else ""


class FileResult(NamedTuple):
    """What one file comes to."""

    findings: tuple[Finding, ...] = ()
    is_heavy: bool = False
    """Whether importing it imports something heavy."""
    light_tests: int = 0
    heavy_tests: int = 0
    fault: str = ""
    """Why it can't be read; empty where it can."""


class Totals(NamedTuple):
    """The sums of a scan."""

    files: int
    heavy_files: int
    tests: int
    heavy_tests: int
