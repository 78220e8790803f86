"""Runs as they are read from files, made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_heavyimports.doctor.records import Item, Process, SeenRun

ROOT = "/project"


def load(
    fullname: str, ms: int, importer: int = -1, line: str = "", nodeid: str = "", phase: str = "collect"
) -> dict[str, Any]:
    """A load of a tree that took so many milliseconds by itself."""
    place = {"phase": phase, "nodeid": nodeid, "fixture": "", "line": line, "text": line or phase} if line else None
    return {
        "fullname": fullname,
        "importer": importer,
        "self_us": ms * 1000,
        "cumulative_us": ms * 1000,
        "place": place,
    }


def tree(*loads: dict[str, Any]) -> list[dict[str, Any]]:
    """The loads, each with what its parts took."""
    for each in reversed(loads):
        if each["importer"] >= 0:
            loads[each["importer"]]["cumulative_us"] += each["cumulative_us"]
    return list(loads)


class Project:
    """Files of a project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own: dict[str, str] = {}

    def write(self, module: str, text: str) -> str:
        """The file of an own module."""
        file = self.folder / f"{module.replace('.', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.own[module.removesuffix(".__init__")] = str(file)
        return str(file)

    def item(self, module: str, name: str, line: int = 0, *fixtures: str, is_heavy: bool = False) -> Item:
        """A test in a file."""
        return Item(f"{module}.py::{name}", self.own[module], line, fixtures, is_heavy)

    def run(self, *loads: dict[str, Any], **facts: Any) -> SeenRun:
        """A run of one process."""
        processes = facts.pop("processes", (Process("", tree(*loads)),))
        known = {"status": 0, "wall_s": 2.0, "startup_s": 0.5, "is_complete": True, **facts}
        return SeenRun((), root=str(self.folder), inifile="", own=self.own, processes=processes, **known)


def is_installed(name: str) -> bool:
    """As if these were."""
    return name in ("torch", "numpy", "pandas", "google")
