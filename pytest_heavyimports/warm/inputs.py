"""The files that imports have read, listed, asked about or not found: whether they are as they were."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping

from .learning import Stamps, changed, stamps


class Files:
    """Paths and how they were."""

    def __init__(self) -> None:
        self.present: Stamps = {}
        self._kinds: dict[str, int] = {}
        """Directories that were asked about and not listed: what is in them is no matter."""
        self._absent: list[str] = []
        self._is_for_runs = False

    def note(self, files: Iterable[str], asked: Mapping[str, bool]) -> None:
        """
        See how they are now.

        Args:
            files: Those that imports have executed.
            asked: Paths that imports have read, listed or asked about, and whether they have listed them.
        """
        whole, self._kinds, self._absent = list(files), {}, []
        for path, is_listed in asked.items():
            try:
                mode = os.stat(path).st_mode
            except (OSError, ValueError):
                self._absent.append(path)
                continue
            if stat.S_ISREG(mode) or (is_listed and stat.S_ISDIR(mode)):
                whole.append(path)
            else:
                self._kinds[path] = stat.S_IFMT(mode)
        self.present = stamps(whole)

    def outside(self, directories: Iterable[str]) -> Files:
        """Those that are in none of these directories."""
        beginnings = tuple(f"{directory}{os.sep}" for directory in directories)
        some = Files()
        some._is_for_runs = True
        some.present = {
            directory: names
            for directory, names in self.present.items()
            if not f"{directory}{os.sep}".startswith(beginnings)
        }
        some._kinds = {path: kind for path, kind in self._kinds.items() if not path.startswith(beginnings)}
        some._absent = [path for path in self._absent if not path.startswith(beginnings)]
        return some

    def changed(self) -> str:
        """The first that is no longer what it was; empty where there is none."""
        for path in self._absent:
            if os.path.exists(path):
                return path
        for path, kind in self._kinds.items():
            try:
                if stat.S_IFMT(os.stat(path).st_mode) != kind:
                    return path
            except OSError:
                return path
        if not self._is_for_runs:
            return changed(self.present)
        # In a run, which may have threads: the directory of the process stays what it is.
        for directory, names in self.present.items():
            for name, stamp in names.items():
                if stamps([f"{directory}/{name}"]) != {directory: {name: stamp}}:
                    return f"{directory}/{name}"
        return ""
