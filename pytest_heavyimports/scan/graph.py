"""Which modules of the code under test import something heavy, and through which others."""

from __future__ import annotations

import ast
import itertools
import os
import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import grimp

from ..errors import CommandRefused
from ..facts.distributions import is_installed, locate
from ..facts.names import is_within, root
from ..facts.statements import import_sites, is_type_checking, parse
from .heaviness import Heaviness
from .source import bound_names

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from grimp import ImportGraph

STANDARD = frozenset(sys.stdlib_module_names)


class Code:
    """The code under test: its packages and single modules, as far as somebody imports them."""

    def __init__(self, imported: Collection[str], path: Iterable[str], cache: Path | None) -> None:
        """
        Args:
            imported: Top-level names that test files import.
            path: Directories to look for them in, before ``sys.path``.
            cache: A folder for the graph; ``None``: none is kept.
        """
        self._path = list(dict.fromkeys(path))
        self._cache = cache
        self._imports: dict[str, tuple[tuple[str, ...], ...]] = {}
        self.faults: list[str] = []
        with self._importable():
            self.graph, self.names = self._build(imported)

    def heaviness(self, declared: Iterable[str]) -> Heaviness:
        """Go back from the declared modules to all that import them."""
        declared = frozenset(declared)
        hops: dict[str, str] = {}
        imports: dict[str, list[str]] = {}
        with self._importable():
            waiting = deque(sorted(declared))
            seen = set(waiting)
            while waiting:
                module = waiting.popleft()
                # Packages first: their parts are heavy with them, and needn't be read.
                for importer in sorted(self._candidates(module), key=lambda name: (name.count("."), name)):
                    around = [name for name in declared - {importer} if is_within(importer, name)]
                    is_ring = importer == module or any(is_within(module, name) for name in around)
                    if is_ring or not self._does_import(importer, module):
                        continue
                    imports.setdefault(importer, []).append(module)
                    if importer not in seen or importer in declared:
                        hops.setdefault(importer, module)
                        for heavy in (importer, *self._parts(importer)):
                            if heavy not in seen:
                                seen.add(heavy)
                                hops.setdefault(heavy, importer)
                                waiting.append(heavy)
        for module in seen:
            if (package := module.rpartition(".")[0]) in seen:
                imports.setdefault(module, []).append(package)
        every = {module: tuple(sorted(names)) for module, names in imports.items()}
        return Heaviness(declared, _without_rings(hops), self.names, every)

    def importers(self, module: str) -> frozenset[str]:
        """The modules of the code under test that import *module*, be it through others and in functions."""
        if self.graph is None or module not in self.graph.modules:
            return frozenset()
        return frozenset(self.graph.find_downstream_modules(module))

    def reference(self, module: str, name: str) -> str:
        """
        What ``from module import name`` gives, as it can be declared.

        Returns:
            ``module:name``, or ``module.name`` where that is a module that its package doesn't bind; empty where it
            can't be known whether it does.
        """
        with self._importable():
            if _find(f"{module}.{name}") is None:
                return f"{module}:{name}"
            bound = _bound_by(_find(module))
        if name in bound:
            return f"{module}:{name}"
        return "" if "*" in bound else f"{module}.{name}"

    def _build(self, imported: Collection[str]) -> tuple[ImportGraph | None, frozenset[str]]:
        packages: set[str] = set()
        modules: set[str] = set()
        waiting = set(imported)
        graph = None
        while waiting:
            for name in sorted(waiting - STANDARD):
                spec = _find(name)
                if spec and spec.submodule_search_locations is not None and not is_installed(spec):
                    packages.add(name)
                elif spec and spec.origin and spec.origin.endswith(".py") and not is_installed(spec):
                    modules.add(name)
            seen = packages | modules | waiting
            graph = self._graph_of(packages) or graph
            reached = {root(name) for module in modules for names in self._imported_by(module) for name in names}
            reached.update(root(name) for name in (graph.modules if graph else ()))
            waiting = reached - seen - STANDARD
            waiting = {name for name in waiting if (spec := _find(name)) and not is_installed(spec)}
        for module in modules if graph else ():
            for names in self._imported_by(module):
                assert graph
                known = next((name for name in names if name in graph.modules), root(names[-1]))
                graph.add_import(importer=module, imported=known)
        return graph, frozenset(packages | modules)

    def _graph_of(self, packages: set[str]) -> ImportGraph | None:
        for package in sorted(packages):
            if file := _odd_file(package):
                packages.discard(package)
                self.faults.append(f"the imports of {package!r} can't be followed: {file} is not a regular file")
        while packages:
            try:
                return grimp.build_graph(
                    *sorted(packages),
                    include_external_packages=True,
                    exclude_type_checking_imports=True,
                    cache_dir=str(self._cache) if self._cache else None,
                )
            except Exception as error:  # a file that is no Python, a package that it makes nothing of
                packages.discard(self._culprit(packages, error))
        return grimp.ImportGraph()

    def _culprit(self, packages: set[str], error: Exception) -> str:
        """The package that no graph can be made of; it is told, and left out."""
        for package in sorted(packages):
            try:
                grimp.build_graph(package, cache_dir=None)
            except Exception as own:
                self.faults.append(f"the imports of {package!r} can't be followed: {own or type(own).__name__}")
                return package
        raise CommandRefused(f"the imports of {', '.join(sorted(packages))} can't be followed: {error}")

    def _candidates(self, module: str) -> Iterable[str]:
        """Modules that may import *module*: the graph has imports in functions too, and of others top-level names."""
        known = module if root(module) in self.names else root(module)
        if self.graph is None or known not in self.graph.modules:
            return ()
        return self.graph.find_modules_that_directly_import(known)

    def _does_import(self, importer: str, module: str) -> bool:
        """Whether it does so while it is imported itself: the file tells."""
        is_local = root(module) in self.names
        imported = itertools.chain.from_iterable(self._imported_by(importer))
        return any(name == module if is_local else is_within(name, module) for name in imported)

    def _parts(self, module: str) -> Iterable[str]:
        """The modules in a package of the code under test, which is imported before them."""
        if self.graph is None or root(module) not in self.names or module not in self.graph.modules:
            return ()
        # A single module beside the packages, which grimp takes for an external one, has none.
        return () if self.graph.is_module_squashed(module) else sorted(self.graph.find_descendants(module))

    def _imported_by(self, module: str) -> tuple[tuple[str, ...], ...]:
        """What a module imports while it is imported: of each name, what that may be."""
        if module not in self._imports:
            self._imports[module] = tuple(self._read(module))
        return self._imports[module]

    def _read(self, module: str) -> Iterator[tuple[str, ...]]:
        spec = _find(module)
        if spec is None or not spec.origin or not spec.origin.endswith(".py"):
            return
        with suppress(OSError, SyntaxError, ValueError):
            package = module if spec.submodule_search_locations is not None else module.rpartition(".")[0]
            for site in import_sites(parse(Path(spec.origin).read_bytes()), package):
                if site.is_at_once:
                    yield from site.modules

    @contextmanager
    def _importable(self) -> Iterator[None]:
        """With the code under test on ``sys.path``, as it is when pytest runs. Nothing is imported."""
        before = list(sys.path)
        sys.path[:0] = self._path
        try:
            yield
        finally:
            sys.path[:] = before


def _find(fullname: str):  # type: ignore[no-untyped-def]
    try:
        return locate(fullname)
    except (ImportError, AttributeError, ValueError):
        return None


def _odd_file(package: str) -> str:
    """A file with the name of a module that is none: a FIFO, or a link that leads nowhere, which ends grimp."""
    spec = _find(package)
    for folder in spec.submodule_search_locations if spec else ():
        for place, _, names in os.walk(folder):
            for name in names:
                file = os.path.join(place, name)
                if name.endswith(".py") and not name.startswith(".") and not os.path.isfile(file):
                    return str(file)
    return ""


def _bound_by(spec: ModuleSpec | None) -> set[str]:
    """The names that the file of a module binds while it is imported; none where it has no file that can be read."""
    names: set[str] = set()
    if spec and spec.origin and spec.origin.endswith(".py"):
        with suppress(OSError, SyntaxError, ValueError):
            for statement in parse(Path(spec.origin).read_bytes()).body:
                if isinstance(statement, ast.If) and is_type_checking(statement.test):
                    names.update(*map(bound_names, statement.orelse))
                else:
                    names |= bound_names(statement)
    return names


def _without_rings(hops: Mapping[str, str]) -> dict[str, str]:
    """Modules that import each other lead nowhere but to themselves."""
    kept: dict[str, str] = {}
    for module, following in hops.items():
        way = following
        while way in kept and way != module:
            way = kept[way]
        if way != module:
            kept[module] = following
    return kept
