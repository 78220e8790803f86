"""Which tests need a module: by the import statements of the project's own files, read and not run."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import resolve_name
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..facts.names import is_dotted, is_within, lineage
from ..facts.statements import CALLS, Function, is_type_checking, last_name, parse, text_of

if TYPE_CHECKING:
    from .records import Item

Edge = tuple[str, int]
"""A file, and the line of an import statement in it."""
_CALLS = (*CALLS, "heavy_module")


class Imported(NamedTuple):
    """A name that an import statement asks for."""

    name: str
    line: int


class SourceFile:
    """The import statements of one file."""

    def __init__(self, text: bytes, module: str, *, is_package: bool) -> None:
        self._package = module if is_package else module.rpartition(".")[0]
        self.top: list[Imported] = []
        """Those that are executed with the file."""
        self.functions: dict[int, list[Imported]] = {}
        """By the first line of each function."""
        self._lines: dict[str, list[int]] = {}
        """Those of the functions of each name."""
        self._used: dict[int, set[str]] = {}
        """The names that each function uses, and those that a method takes from ``self``."""
        try:
            tree = parse(text)
        except (SyntaxError, ValueError):
            return
        self._read(tree.body, self.top)

    def called_from(self, line: int) -> list[Imported]:
        """What a function imports, and the functions of this file that it calls."""
        lines = [line]
        for each in lines:
            following = [there for name in self._used.get(each, ()) for there in self._lines.get(name, ())]
            lines += [there for there in dict.fromkeys(following) if there not in lines]
        return [imported for each in lines for imported in self.functions.get(each, ())]

    def _read(self, body: Iterable[ast.AST], into: list[Imported]) -> None:
        for node in body:
            if isinstance(node, Function):
                line = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                inside = self.functions.setdefault(line, [])
                self._lines.setdefault(node.name, []).append(line)
                self._used[line] = set(_used_names(node))
                self._read(node.body, inside)
                if into is not self.top:
                    into += inside
            elif isinstance(node, ast.Import):
                into += [Imported(alias.name, node.lineno) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                into += self._of_from(node)
            elif isinstance(node, ast.If) and is_type_checking(node.test):
                self._read(node.orelse, into)
            else:
                into += _of_call(node)
                self._read(ast.iter_child_nodes(node), into)

    def _of_from(self, node: ast.ImportFrom) -> Iterator[Imported]:
        try:
            base = resolve_name("." * node.level + (node.module or ""), self._package) if node.level else node.module
        except ImportError:
            return
        yield Imported(str(base), node.lineno)
        yield from (Imported(f"{base}.{alias.name}", node.lineno) for alias in node.names)


def _of_call(node: ast.AST) -> Iterator[Imported]:
    """``importlib.import_module("torch")``, ``pytest.importorskip("torch")`` and their like."""
    if isinstance(node, ast.Call) and node.args and last_name(node.func) in _CALLS:
        name = text_of(node.args[0])
        if name and is_dotted(name):
            yield Imported(name, node.lineno)


def _used_names(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            yield node.attr


class WhoNeeds:
    """What the tests of a run need, over however many of the project's own modules."""

    def __init__(
        self,
        items: Sequence[Item],
        own: Mapping[str, str],
        conftests: Iterable[str],
        fixtures: Mapping[str, Sequence[tuple[str, int]]],
        aliases: Mapping[str, str] = {},
    ) -> None:
        """
        Args:
            items: The tests.
            own: The project's own modules, each with its file.
            conftests: The ``conftest.py`` files that were read.
            fixtures: By name, file and first line of their functions.
            aliases: Fixtures that give a declared module, each with its name.
        """
        self._aliases = aliases
        self._items = items
        self.owned = dict(own)
        """The files of own modules, by name."""
        self._modules = {file: name for name, file in own.items()}
        self._conftests = tuple(conftests)
        self._fixtures = fixtures
        self._sources: dict[str, SourceFile] = {}

    def source(self, file: str) -> SourceFile:
        """The statements of a file; none where it can't be read."""
        if file not in self._sources:
            try:
                text = Path(file).read_bytes()
            except OSError:
                text = b""
            module = self._modules.get(file, "")
            self._sources[file] = SourceFile(text, module, is_package=os.path.basename(file) == "__init__.py")
        return self._sources[file]

    def tests(self, name: str, *, without: Edge | None = None) -> list[Item]:
        """
        The tests that need a module.

        Args:
            name: The module; an installed package with its parts.
            without: An import statement that is taken for absent.
        """
        wanted = _Wanted(self, name, without)
        by_fixture = {alias: wanted.is_led_to(module) for alias, module in self._aliases.items()}
        for fixture, places in self._fixtures.items():
            by_fixture.setdefault(fixture, any(wanted.is_in_function(*place) for place in places))
        heavy_conftests = [os.path.dirname(file) + os.sep for file in self._conftests if wanted.is_in(file)]
        return [
            item
            for item in self._items
            if item.file.startswith(tuple(heavy_conftests))
            or wanted.is_in(item.file)
            or (item.line and wanted.is_in_function(item.file, item.line))
            or any(by_fixture.get(fixture) for fixture in item.fixtures)
        ]

    def statement(self, file: str, name: str) -> Edge | None:
        """The first import statement of a file that leads to a module."""
        wanted = _Wanted(self, name, None)
        source = self.source(file)
        imported = [*source.top, *(each for some in source.functions.values() for each in some)]
        direct = (each for each in imported if is_within(each.name, name))
        led = (each for each in imported if wanted.is_led_to(each.name))
        found = next(direct, None) or next(led, None)
        return (file, found.line) if found else None


class _Wanted:
    """One module that is asked about: which files lead to it when they are executed."""

    def __init__(self, needs: WhoNeeds, name: str, without: Edge | None) -> None:
        self._needs = needs
        self._name = name
        self._is_own = name in needs.owned
        self._without = without
        self._known: dict[str, bool] = {}

    def is_in(self, file: str) -> bool:
        """Whether executing a file imports it."""
        if file not in self._known:
            self._known[file] = self._search(file)
        return self._known[file]

    def _search(self, file: str) -> bool:
        seen, pending = {file}, [file]
        while pending:
            each = pending.pop()
            if self._known.get(each):
                return True
            for imported in self._needs.source(each).top:
                if self._without == (each, imported.line):
                    continue
                if self._is_it(imported.name):
                    return True
                for name in lineage(imported.name):
                    following = self._needs.owned.get(name)
                    if following and following not in seen:
                        seen.add(following)
                        pending.append(following)
        return self._is_own and self._needs.owned.get(self._name) == file

    def is_in_function(self, file: str, line: int) -> bool:
        """Whether the function that begins in that line imports it, or calls one of that file which does."""
        imports = self._needs.source(file).called_from(line)
        return any(self.is_led_to(each.name) for each in imports if self._without != (file, each.line))

    def is_led_to(self, name: str) -> bool:
        """Whether importing *name* imports it."""
        files = [self._needs.owned[each] for each in lineage(name) if each in self._needs.owned]
        return self._is_it(name) or any(self.is_in(file) for file in files)

    def _is_it(self, name: str) -> bool:
        # A package has all its parts with it; an own module is executed for itself, and for each part of it.
        return is_within(name, self._name)
