"""The files that a scan looks at: those that pytest would collect, and conftest files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .records import Project

CONFTEST = "conftest.py"


def test_files(project: Project) -> list[Path]:
    """Test files and conftest files below the project's paths, sorted; a file that was named is taken as it is."""
    found: set[Path] = set()
    for path in project.paths:
        found.update(_below(path, project) if path.is_dir() else [path])
    return sorted(found)


def _below(directory: Path, project: Project) -> Iterator[Path]:
    for place, directories, names in os.walk(directory):
        directories[:] = [name for name in directories if not _is_skipped(os.path.join(place, name), project)]
        for name in names:
            file = Path(place, name)
            # Not a FIFO, which reading waits at, nor a link that leads nowhere: pytest collects neither.
            if (name == CONFTEST or is_test_file(file, project)) and os.path.isfile(file):
                yield file


def is_test_file(file: Path, project: Project) -> bool:
    """Whether pytest collects tests from a file of this name."""
    return file.suffix == ".py" and _matches(file, project.python_files)


def _is_skipped(directory: str, project: Project) -> bool:
    if os.path.basename(directory) == "__pycache__" or os.path.exists(os.path.join(directory, "pyvenv.cfg")):
        return True
    return _matches(Path(directory), project.norecursedirs)


def _matches(path: Path, patterns: Iterable[str]) -> bool:
    """As pytest's: a pattern with a slash is one of the whole path."""
    return any(fnmatch(str(path) if "/" in pattern else path.name, _anchored(pattern)) for pattern in patterns)


def _anchored(pattern: str) -> str:
    return f"*/{pattern}" if "/" in pattern and not pattern.startswith("/") else pattern


def conftests_above(file: Path, root: Path) -> list[Path]:
    """The conftest files that pytest reads for *file*, the outermost first, those that are there."""
    above = [directory / CONFTEST for directory in file.parents if directory == root or directory.is_relative_to(root)]
    return [conftest for conftest in reversed(above) if conftest != file and os.path.isfile(conftest)]


def package_of(directory: Path) -> tuple[str, Path]:
    """
    The package that a directory is when pytest imports from it (import mode ``prepend``); empty where it is none.

    Returns:
        Its full name, and the directory that it is found in.
    """
    parts: list[str] = []
    while (directory / "__init__.py").exists() and directory.name.isidentifier():
        parts.append(directory.name)
        directory = directory.parent
    return ".".join(reversed(parts)), directory
