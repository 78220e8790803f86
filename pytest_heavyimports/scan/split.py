"""Files of which only some tests are heavy, parted in two. Nothing is lost: each statement is in one, or in both."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libcst as cst

from ..config.changes import Change
from ..facts.files import objection_to_writing
from ..facts.statements import Function, walk
from .examine import read
from .rewrite import IMPORTS
from .rules import RULES
from .source import Source, Test, bound_names, fixture_name, is_fixture
from .walk import CONFTEST, is_test_file

if TYPE_CHECKING:
    from .run import Scan

RULE = RULES["mixed-file"]


def splits(scan: Scan) -> tuple[list[Change], list[str]]:
    """The files to be changed and made, and a line on each mixed file that is left alone."""
    changes: list[Change] = []
    left_alone: list[str] = []
    for file in scan.files:
        asked = scan.asked(file)
        try:
            source = read(asked, scan.standard)
        except SyntaxError:
            continue  # the scan tells
        mixed = next(RULE.find(source), None)
        if file.name == CONFTEST or mixed is None or source.is_ignored(RULE.name, mixed.node):
            continue
        parting = Parting(source)
        target = heavy_file(file)
        try:
            light, heavy = parting.texts(asked.data)
        except cst.ParserSyntaxError:
            left_alone.append(f"{asked.file}: left alone: libcst can't read it")
            continue
        objection = (
            parting.objection
            or _objection_to_files(scan, file, target)
            or _lost(
                source, read(asked._replace(data=light), scan.standard), read(asked._replace(data=heavy), scan.standard)
            )
        )
        if objection:
            left_alone.append(f"{asked.file}: left alone: {objection}")
        else:
            changes.append(Change(file, asked.file, asked.data, light))
            changes.append(Change(target, scan.project.shown(target), b"", heavy, file.stat().st_mode & 0o777))
    return changes, left_alone


def heavy_file(file: Path) -> Path:
    """The name of the heavy part: ``test_x_heavy.py``, ``x_heavy_test.py``."""
    stem = file.stem.removesuffix("_test")
    return file.with_name(f"{stem}_heavy{'_test' if stem != file.stem else ''}.py")


class Parting:
    """Which statements of a file go where."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._needs = source.needs
        self._heavy = [test for test in source.tests if self._needs.is_heavy(test)]
        self._light = [test for test in source.tests if test not in self._heavy]

    @cached_property
    def objection(self) -> str:
        """Why the file can't be parted; empty where it can."""
        return next(self._objections(), "")

    def _objections(self) -> Iterator[str]:
        if not self._heavy:
            yield "no test needs what is heavy: take the import away"
        for node in walk(self._source.tree):
            if isinstance(node, ast.Global):
                yield f"its tests share {node.names[0]!r} (line {node.lineno})"
        names = [test.name for test in self._source.tests]
        for name in names:
            if names.count(name) > 1:
                yield f"{name!r} is defined twice"
        classes = {owner for test in self._source.tests for owner in test.classes}
        named = {owner.name for owner in classes}
        own = {node for owner in classes for node in self._own_members(owner)}
        for node in walk(self._source.tree):
            if isinstance(node, ast.Name) and node.id in named and node not in own:
                yield f"{node.id!r} is used in line {node.lineno}"
        for test in self._source.tests:
            top: ast.AST = (*test.classes, test.node)[0]
            if top not in self._source.tree.body:
                yield f"{test.name!r} stands under a condition"

    def _own_members(self, owner: ast.ClassDef) -> Iterator[ast.Name]:
        """Where a class names itself to use a member of it, which goes with the tests that do so."""
        tests = {test.node for test in self._source.tests}
        members = {name for each in owner.body if each not in tests for name in bound_names(each)}
        for node in (node for statement in owner.body for node in walk(statement)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Load)  # what is stored there, tests share
                and isinstance(node.value, ast.Name)
                and node.value.id == owner.name
                and node.attr in members
            ):
                yield node.value

    def texts(self, data: bytes) -> tuple[bytes, bytes]:
        """The light part and the heavy one."""
        module = cst.parse_module(data)
        parts = (self._part(self._light, is_heavy=False), self._part(self._heavy, is_heavy=True))
        light, heavy = (_Cutting(left_out, names).cut(module, self._source.tree) for left_out, names in parts)
        return light.bytes, heavy.bytes

    def _part(self, tests: list[Test], *, is_heavy: bool) -> tuple[set[ast.stmt], Collection[str]]:
        """The statements that a part does without, and the names that imports are kept for."""
        needed = self._needed(tests, is_heavy=is_heavy)
        others = self._needed(self._light if is_heavy else self._heavy, is_heavy=not is_heavy)
        left_out = {
            statement
            for statement in self._source.tree.body
            if not self._is_kept(statement, tests, needed, others, is_heavy=is_heavy)
        }
        left_out.update(self._members_left_out(tests))
        unused = {name for name in self._imported if name not in needed and name not in others}
        mine = {name for name in unused if is_heavy or not self._needs.are_heavy(frozenset((name,)))}
        return left_out, needed | mine

    def _needed(self, tests: Iterable[Test], *, is_heavy: bool) -> frozenset[str]:
        names = self._needs.for_all.union(*map(self._needs.names_of, tests))
        for statement in self._source.tree.body:
            if _is_bare(statement) and (is_heavy or not self._is_heavy(statement)):
                names |= self._needs.names_of_statement(statement)
        return names

    def _is_kept(
        self, statement: ast.stmt, tests: list[Test], needed: frozenset[str], others: frozenset[str], *, is_heavy: bool
    ) -> bool:
        own = [test for test in self._source.tests if statement in (*test.classes, test.node)]
        if own:
            return any(test in tests for test in own)
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            return True  # its names are looked at one by one
        if _is_bare(statement):
            return is_heavy or not self._is_heavy(statement)
        names = bound_names(statement)
        if isinstance(statement, Function) and is_fixture(statement):
            names.add(fixture_name(statement))
        if not names.isdisjoint(needed):
            return True
        # What nobody needs stays where it was, unless it is heavy.
        return names.isdisjoint(others) and self._is_heavy(statement) == is_heavy

    def _is_heavy(self, statement: ast.stmt) -> bool:
        names = self._needs.names_of_statement(statement)
        return self._needs.are_heavy(names | bound_names(statement))

    def _members_left_out(self, tests: list[Test]) -> Iterator[ast.stmt]:
        """In the classes with tests: the other part's tests, and the functions that only these use."""
        mine = {part for test in tests for part in self._needs.parts_of(test)}
        all_parts = {part for test in self._source.tests for part in self._needs.parts_of(test)}
        for owner in {owner for test in self._source.tests for owner in test.classes}:
            for member in owner.body:
                own = [test for test in self._source.tests if member in (*test.classes, test.node)]
                is_others = isinstance(member, Function) and member in all_parts and member not in mine
                if (own and not any(test in tests for test in own)) or (not own and is_others):
                    yield member

    @cached_property
    def _imported(self) -> set[str]:
        imports = (each for each in self._source.tree.body if isinstance(each, (ast.Import, ast.ImportFrom)))
        return {name for statement in imports for name in bound_names(statement)}


def _is_bare(statement: ast.stmt) -> bool:
    """Whether a statement at the top binds no name: what it does is done for its effect."""
    return not isinstance(statement, (ast.Import, ast.ImportFrom)) and not bound_names(statement)


class _Cutting:
    """Leaves statements out of a module."""

    def __init__(self, left_out: Collection[ast.stmt], names: Collection[str]) -> None:
        self._left_out = left_out
        self._names = names

    def cut(self, module: cst.Module, tree: ast.Module) -> cst.Module:
        """The module without them, and without imports of other names."""
        return module.with_changes(body=self._body(module.body, tree.body, is_top=True))

    def _body(
        self, body: Iterable[cst.BaseStatement], known: Sequence[ast.stmt], *, is_top: bool
    ) -> list[cst.BaseStatement]:
        result: list[cst.BaseStatement] = []
        gap = False
        number = 0
        for statement in body:
            # A line may hold several statements, and is kept for the sake of one.
            length = len(statement.body) if isinstance(statement, cst.SimpleStatementLine) else 1
            own = known[number : number + length]
            number += length
            is_kept = not all(each in self._left_out for each in own)
            changed = self._changed(statement, own, is_top=is_top) if is_kept else None
            if changed is None:
                gap = gap or _has_gap(statement)
                continue
            if gap and result and not _has_gap(changed):
                changed = changed.with_changes(leading_lines=[cst.EmptyLine(indent=False), *changed.leading_lines])  # type: ignore[attr-defined]  # statements have them
            gap = False
            result.append(changed)
        return result

    def _changed(
        self, statement: cst.BaseStatement, own: Sequence[ast.stmt], *, is_top: bool
    ) -> cst.BaseStatement | None:
        if isinstance(statement, cst.ClassDef) and isinstance(statement.body, cst.IndentedBlock):
            assert isinstance(own[0], ast.ClassDef)
            members = self._body(statement.body.body, own[0].body, is_top=False)
            if len(members) < len(statement.body.body):
                return statement.with_changes(body=statement.body.with_changes(body=members))
        if is_top and isinstance(statement, cst.SimpleStatementLine):
            return self._imports(statement)
        return statement

    def _imports(self, line: cst.SimpleStatementLine) -> cst.SimpleStatementLine | None:
        small = [kept for node in line.body if (kept := self._import(node)) is not None]
        if not small:
            return None
        if all(old is new for old, new in zip(line.body, small)) and len(small) == len(line.body):
            return line
        return line.with_changes(body=small)

    def _import(self, node: Any) -> Any:
        if not isinstance(node, IMPORTS) or isinstance(node.names, cst.ImportStar):
            return node
        if isinstance(node, cst.ImportFrom) and isinstance(node.module, cst.Name) and node.module.value == "__future__":
            return node
        names = [alias for alias in node.names if _bound(alias) in self._names]
        if not names:
            return None
        if len(names) == len(node.names):
            return node
        if not getattr(node, "lpar", None):
            names[-1] = names[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return node.with_changes(names=names)


def _bound(alias: cst.ImportAlias) -> str:
    return alias.evaluated_alias or alias.evaluated_name.partition(".")[0]


def _has_gap(statement: cst.BaseStatement) -> bool:
    return any(line.comment is None for line in getattr(statement, "leading_lines", ()))


def _objection_to_files(scan: Scan, file: Path, target: Path) -> str:
    """Why these two files can't take the place of one; empty where they can."""
    if fault := objection_to_writing(file):
        return fault
    if file.is_symlink() or file.stat().st_nlink > 1:
        return "it is a link"
    if name := scan.other_name(file):
        return f"{name} is a link to it"
    if not os.access(file.parent, os.W_OK):
        return "no file can be made beside it"
    if os.path.lexists(target):
        return f"{target.name} is there already"
    if not is_test_file(target, scan.project):
        return f"pytest would not collect {target.name}"
    if (file.parent / file.stem).is_dir() or list(file.parent.glob(f"__snapshots__/{file.stem}*")):
        return "there is data that is found by its name"
    pattern = re.compile(rf"^\s*(?:from|import)\b.*\b{re.escape(file.stem)}\b".encode(), re.MULTILINE)
    for other in scan.files:
        if other != file and pattern.search(scan.data(other)):
            return f"{scan.project.shown(other)} imports it"
    return ""


def _lost(source: Source, light: Source, heavy: Source) -> str:
    """What would not be as it was, which would be a fault of ours; empty where all is there."""
    names = [test.name for test in (*light.tests, *heavy.tests)]
    if sorted(names) != sorted(test.name for test in source.tests):
        return "a test would be lost"
    bound = {name for statement in source.tree.body for name in bound_names(statement)}
    for part in (light, heavy):
        there = {name for statement in part.tree.body for name in bound_names(statement)}
        used = {node.id for node in walk(part.tree) if isinstance(node, ast.Name)}
        if missing := sorted(used & bound - there):
            return f"{missing[0]!r} would be missing from a part"
    return "the light part would not be light" if light.is_heavy else ""
