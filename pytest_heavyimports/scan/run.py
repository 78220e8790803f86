"""A whole scan: files, graph, conftest files, then each file by itself, in as many processes as there are cores."""

from __future__ import annotations

import gc
import multiprocessing
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..facts.names import root
from .cache import Cache
from .examine import Asked, Standard, examine, heavy_fixtures, read
from .graph import Code
from .records import FileResult, Finding, Project, Totals
from .source import Naming, fixtures_in
from .walk import CONFTEST, conftests_above, package_of, test_files

if TYPE_CHECKING:
    from ..facts.statements import AnyFunction

BATCH = 50
FEW = 4 * BATCH
"""So many files are looked at in this process: to start others takes half a second."""

_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+(\w+)|import[ \t]+([\w., \t]+))", re.MULTILINE)

Progress = Callable[[int, int], None]


class Scan:
    """The files of a project, and what is heavy for them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._bytes: dict[Path, bytes] = {}
        self.unread: dict[str, FileResult] = {}
        """The files that can't be read, by their names as they are told."""
        for file in test_files(project):
            try:
                self._bytes[file] = file.read_bytes()
            except OSError as error:
                self.unread[project.shown(file)] = FileResult(fault=str(error.strerror))
        self.files = list(self._bytes)
        self._fixtures: dict[Path, frozenset[str]] = {}
        names = {name for data in self._bytes.values() for name in _imported(data)}
        self._conftests: dict[Path, Mapping[str, AnyFunction]] = {}
        self._packages: dict[Path, tuple[str, Path]] = {}
        names |= {root(self._package(file.parent)[0]) for file in self.files} - {""}
        names |= {root(module.fullname) for module in project.declared.values()}
        directories = dict.fromkeys(str(self._package(file.parent)[1]) for file in self.files)
        self.code = Code(names, (*project.path, *directories), _folder(project.cache / "graph"))
        heaviness = self.code.heaviness(module.fullname for module in project.declared.values())
        self.standard = Standard(heaviness, Naming(project.python_functions, project.python_classes))

    @cached_property
    def _aliases(self) -> frozenset[str]:
        return frozenset(self.project.declared) | {"heavy_module"}

    def asked(self, file: Path) -> Asked:
        """A file, with what is known of it without a look at its tests."""
        package, _ = self._package(file.parent)
        module = ".".join(filter(None, (package, "" if file.stem == "__init__" else file.stem)))
        return Asked(self.project.shown(file), module, self.data(file), self._fixtures_for(file))

    def data(self, file: Path) -> bytes:
        """What stands in a file; nothing where it can't be read."""
        if file not in self._bytes:
            try:
                self._bytes[file] = file.read_bytes()
            except OSError:
                self._bytes[file] = b""
        return self._bytes[file]

    def other_name(self, file: Path) -> str:
        """What the scan knows a file by as well, by a symbolic or a hard link; empty where that is nothing."""
        return next((self.project.shown(each) for each in self.files if each != file and each.samefile(file)), "")

    def _package(self, directory: Path) -> tuple[str, Path]:
        """The package that a directory is, empty where it is none, and the directory that it is found in."""
        if directory not in self._packages:
            self._packages[directory] = package_of(directory)
        return self._packages[directory]

    def results(self, progress: Progress | None = None) -> dict[str, FileResult]:
        """What each file comes to, by its name as it is told, in the order of names."""
        cache = Cache(self.project.cache, self.standard)
        results: dict[str, FileResult | None] = {}
        waiting: list[Asked] = []
        for file in self.files:
            asked = self.asked(file)
            results[asked.file] = cache.get(asked)
            if results[asked.file] is None:
                waiting.append(asked)
        for number, (asked, result) in enumerate(_examined(waiting, self.standard), 1):
            results[asked.file] = result
            cache.put(asked, result)
            if progress:
                progress(number, len(waiting))
        cache.save(self.project.root)
        known = {file: result for file, result in results.items() if result is not None}
        return {**known, **self.unread}

    def outer_fixtures(self, file: Path) -> dict[str, AnyFunction]:
        """The fixtures of the conftest files above a file, the nearest ones last."""
        found: dict[str, AnyFunction] = {}
        for conftest in conftests_above(file, self.project.root):
            if conftest not in self._conftests:
                try:
                    self._conftests[conftest] = fixtures_in(read(self.asked(conftest), self.standard))
                except SyntaxError:
                    self._conftests[conftest] = {}
            found.update(self._conftests[conftest])
        return found

    def _fixtures_for(self, file: Path) -> frozenset[str]:
        """The heavy fixtures that a file can ask for: declared ones, and those of conftest files above."""
        directory = file.parent if file.name != CONFTEST else file.parent.parent
        if directory not in self._fixtures:
            found = self._aliases
            for conftest in conftests_above(directory / "_", self.project.root):
                found |= heavy_fixtures(self.asked(conftest), self.standard)
            self._fixtures[directory] = found
        return self._fixtures[directory]


def totals(results: Mapping[str, FileResult]) -> Totals:
    """The sums; what lies below a heavy conftest file is heavy too."""
    heavy_places = [
        Path(file).parent for file, result in results.items() if result.is_heavy and Path(file).name == CONFTEST
    ]
    heavy_files = sum(
        result.is_heavy or any(Path(file).is_relative_to(place) for place in heavy_places)
        for file, result in results.items()
    )
    heavy_tests = sum(result.heavy_tests for result in results.values())
    light_tests = sum(result.light_tests for result in results.values())
    return Totals(len(results), heavy_files, heavy_tests + light_tests, heavy_tests)


def with_seconds(findings: Iterable[Finding], seconds: Mapping[str, float]) -> Iterator[Finding]:
    """Each finding with what its import took in a run that was measured: that of the first known link of its chain."""
    for finding in findings:
        known = (seconds[name] for name in finding.chain if name in seconds)
        yield finding._replace(seconds=next(known, None))


def _examined(waiting: list[Asked], standard: Standard) -> Iterator[tuple[Asked, FileResult]]:
    if len(waiting) <= FEW:
        yield from ((asked, examine(asked, standard)) for asked in waiting)
        return
    # Not forked: grimp has threads.
    spawning = multiprocessing.get_context("spawn")
    # Without the collector, which would walk every tree: they have no cycles.
    with ProcessPoolExecutor(os.cpu_count(), spawning, initializer=gc.disable) as pool:
        batches = list(_batches(waiting))
        for batch, results in zip(batches, pool.map(partial(_examine_all, standard=standard), batches)):
            yield from zip(batch, results)


def _examine_all(batch: list[Asked], standard: Standard) -> list[FileResult]:
    return [examine(asked, standard) for asked in batch]


def _batches(waiting: Iterable[Asked]) -> Iterator[list[Asked]]:
    rest = iter(waiting)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _imported(data: bytes) -> Iterator[str]:
    """The top-level names that a file may import, by its text alone."""
    for source, several in _IMPORT.findall(data):
        for name in [source] if source else several.split(b","):
            if words := name.split():
                yield root(words[0].decode("ascii", "replace"))


def _folder(folder: Path) -> Path | None:
    """A folder that can be written to; ``None`` where it can't."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
