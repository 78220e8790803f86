"""What the project's configuration should have, as a change of its file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..config.changes import Change
from ..config.declarations import read_declarations
from ..config.writing import with_declarations
from ..facts.names import is_within, root

if TYPE_CHECKING:
    from .records import Diagnosis

DECLARE_US = 500_000
"""From this on a package is worth a line in ``heavy_modules``."""
NEW_FILE = "pytest.ini"
NEEDS_TOMLKIT = "tomlkit is not installed"
INSTALL = "Type pip install 'pytest-heavyimports[scan]'."


class Proposal(NamedTuple):
    """What is to be written."""

    modules: tuple[str, ...]
    """Lines of ``heavy_modules``."""
    guard: str
    """A value of ``heavy_guard``; empty where it stays as it is."""

    def __bool__(self) -> bool:
        return bool(self.modules or self.guard)

    def lines(self) -> list[str]:
        """As they stand in an ini file."""
        listed = ["heavy_modules =", *(f"    {module}" for module in self.modules)] if self.modules else []
        return [*listed, *([f"heavy_guard = {self.guard}"] if self.guard else [])]


def settings_for(diagnosis: Diagnosis) -> Proposal:
    """What to declare, and whether the guard is to be on."""
    names = dict.fromkeys([*_broken(diagnosis), *_slow(diagnosis)])
    declared = diagnosis.run.declared
    new = [name for name in names if not any(is_within(name, each) for each in declared.values())]
    is_unguarded = bool(diagnosis.breaks) and diagnosis.run.guard == "off"
    return Proposal(tuple(map(_line, new)), "restore" if is_unguarded else "")


def _broken(diagnosis: Diagnosis) -> Iterator[str]:
    return (root(name) for each in diagnosis.breaks for name in each.modules)


def _slow(diagnosis: Diagnosis) -> Iterator[str]:
    return (each.name for each in diagnosis.slow if not each.is_own and each.us >= DECLARE_US and each.tests)


def _line(name: str) -> str:
    """A declaration; with an alias where the name of the module is that of another fixture."""
    _, faults = read_declarations([(name, "")])
    return f"heavy_{name.rpartition('.')[2]} = {name}" if faults else name


def change_for(settings: Proposal, *, inifile: str, root_directory: str) -> Change:
    """
    The change of the file that pytest has read, or a new ``pytest.ini`` where there is none.

    Raises:
        ModuleNotFoundError: tomlkit is missing, and the file is TOML.
        CommandRefused: The file can't be read, or changed without a loss.
    """
    given = Path(inifile) if inifile else Path(root_directory, NEW_FILE)
    path = given.resolve()  # what a link leads to is written, and the link stays
    before = path.read_bytes() if path.exists() else b""
    values = {"heavy_guard": settings.guard} if settings.guard else {}
    after = with_declarations(given.name, before, settings.modules, values)
    return Change(path, os.path.relpath(given, root_directory), before, after)
