"""Which imports are moved, where to, and what is said of those that are not."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit
from libcst import ParserSyntaxError
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..config.changes import Change
from ..config.declarations import read_declarations
from ..config.writing import with_declarations
from ..errors import CommandRefused
from ..facts.files import objection_to_writing
from ..facts.statements import Function, last_name
from .examine import Asked, read
from .records import BY_FLAG, Project
from .rewrite import Placing, hoist, import_numbers, make_lazy, to_parameters
from .rules import RULES
from .safety import Safety, is_barrier
from .source import HeavySite, Source, fixtures_in, is_fixture, is_unittest

if TYPE_CHECKING:
    from ..config.declarations import HeavyModule
    from ..facts.statements import AnyFunction, Site
    from .graph import Code
    from .run import Scan

RULE = RULES["function-import"]


def fixes(scan: Scan, target: str) -> tuple[list[Change], list[str]]:
    """
    What is to be changed.

    Args:
        scan: The files.
        target: ``"module"``, ``"lazy"``, or ``"fixture"``, which changes the configuration too.

    Returns:
        The changes, and a line on each import that is left alone.
    """
    if target == "lazy":
        check_python(scan.project)
    changes: list[Change] = []
    left_alone: list[str] = []
    declarations: dict[str, str] = {}
    changed: list[Path] = []
    for file in sorted(scan.files, key=os.path.islink):
        asked = scan.asked(file)
        try:
            source = read(asked, scan.standard)
        except SyntaxError:
            continue  # the scan tells
        fix = _Fix(source, scan, file)
        movable = list(fix.movable(target, left_alone))
        if movable:
            try:
                after = fix.moved(asked.data, movable, target)
            except ParserSyntaxError:  # of a line that begins with a backslash, for one
                left_alone.append(f"{asked.file}: left alone: libcst can't read it")
                continue
            if fault := _changed_meaning(source, asked, after, scan):
                left_alone.append(f"{asked.file}: left alone: {fault}")
                continue
            if objection := _objection_to_file(file, scan.project, changed):
                left_alone.append(f"{asked.file}: left alone: {objection}")
                continue
            changed.append(file)
            changes.append(Change(file, asked.file, asked.data, after))
            if target == "fixture":
                declarations.update((alias, ref) for heavy in movable for _, alias, ref in fix.aliases(heavy))
    changes += _declared(scan.project, declarations)
    return changes, left_alone


def _objection_to_file(file: Path, project: Project, changed: Iterable[Path]) -> str:
    """Why a file must not be written; empty where it may be."""
    if other := next((each for each in changed if each.samefile(file)), None):
        return f"it is the same file as {project.shown(other)}"
    if file.is_symlink() and not file.resolve().is_relative_to(project.root.resolve()):
        return f"it is a link that leads out of {project.root}"
    return objection_to_writing(file)


class _Fix:
    """The changes to one file."""

    def __init__(self, source: Source, scan: Scan, file: Path) -> None:
        self._source = source
        self._declared = scan.project.declared
        config_file = scan.project.config_file
        fault = objection_to_writing(config_file) if config_file else ""
        self._fault_of_config = (
            f"{scan.project.shown(config_file)} can't be changed: {fault}" if config_file and fault else ""
        )
        self._code = scan.code
        self._local = scan.standard.heaviness.local
        outer = scan.outer_fixtures(file)
        importers = (
            scan.code.importers(source.module) if any(each.site.is_in_function for each in source.heavy_sites) else ()
        )
        self._safety = Safety(source, outer_fixtures=outer, importers=importers)

    def movable(self, target: str, left_alone: list[str]) -> Iterator[HeavySite]:
        """The imports that can be moved; a line on each other one goes to *left_alone*."""
        for heavy in self._source.heavy_sites:
            is_at_top = target == "lazy" and heavy.site.is_at_once
            if not (heavy.site.is_in_function or is_at_top) or self._source.is_ignored(RULE.name, heavy.site.node):
                continue
            if is_at_top:
                objection = objection_to_lazy(heavy.site)
            else:
                objection = self._safety.objection(heavy) or (
                    self._objection_to_fixture(heavy)
                    if target == "fixture"
                    else self._safety.objection_to_name(heavy.site)
                )
            if objection:
                line = heavy.site.node.lineno
                left_alone.append(f"{self._source.file}:{line}: left alone: {heavy.module!r}: {objection}")
            else:
                yield heavy

    def moved(self, data: bytes, movable: list[HeavySite], target: str) -> bytes:
        """The file without these imports in its functions."""
        numbers = import_numbers(self._source.tree)
        if target == "fixture":
            return to_parameters(
                data, {numbers[heavy.site.node]: [(n, a) for n, a, _ in self.aliases(heavy)] for heavy in movable}
            )
        body = self._source.tree.body
        barriers = [number for number, statement in enumerate(body, 1) if is_barrier(statement)]
        placing = Placing(self._local, max(barriers, default=0))
        moved = [numbers[heavy.site.node] for heavy in movable if heavy.site.is_in_function]
        if target == "lazy":
            in_place = [numbers[heavy.site.node] for heavy in movable if not heavy.site.is_in_function]
            return make_lazy(data, in_place, moved, placing)
        return hoist(data, moved, placing)

    def aliases(self, heavy: HeavySite) -> Iterator[tuple[str, str, str]]:
        """Each name that is bound, the alias that it is declared under or can be, and the reference."""
        declared = {module.reference: alias for alias, module in self._declared.items()}
        for name, reference in references(heavy, self._code):
            yield name, declared.get(reference, name) if name not in self._declared else name, reference

    def _objection_to_fixture(self, heavy: HeavySite) -> str:
        function = heavy.site.owners[-1]
        assert isinstance(function, Function)
        is_test = any(test.node is function for test in self._source.tests)
        if not is_test and not is_fixture(function):
            return f"{function.name} is neither a test nor a fixture"
        if any(isinstance(owner, ast.ClassDef) and is_unittest(owner) for owner in heavy.site.owners):
            return "tests of unittest take no fixtures"
        if any(last_name(each) in ("given", "staticmethod") for each in function.decorator_list):
            return "its decorator takes the parameters"
        if function.args.vararg or function.args.kwonlyargs or function.args.defaults:
            return f"{function.name} has parameters after which none can be added"
        return next(self._objections_to_aliases(heavy, function), "")

    def _objections_to_aliases(self, heavy: HeavySite, function: AnyFunction) -> Iterator[str]:
        if len(heavy.bound) < len(heavy.site.names):
            yield "it imports something light too"
        taken = self._source.needs.uses(function)
        for name, alias, reference in self.aliases(heavy):
            if not reference and isinstance(heavy.site.node, ast.ImportFrom):
                yield f"{name!r} may be a module, or something else that {heavy.module!r} gives by that name"
            elif not reference:
                yield f"{name!r} is not the whole of what it imports"
            elif fault := _alias_fault(alias, reference):
                yield fault
            declared = self._declared.get(alias)
            if declared and declared.reference != reference:
                yield f"{alias!r} is declared as {declared.line!r}"
            if self._fault_of_config and _is_undeclared(declared):
                yield f"{alias!r} is not declared, and {self._fault_of_config}"
            if alias in self._safety.fixtures:
                yield f"{alias!r} is a fixture already"
            if alias == function.name or (alias != name and alias in taken):
                yield f"{alias!r} is something else in {function.name}"


def check_python(project: Project) -> None:
    """
    Raise CommandRefused unless the project says that it needs a Python with lazy imports.

    Raises:
        CommandRefused: Its code would be no Python to older ones that it allows.
    """
    file = project.root / "pyproject.toml"
    document = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else {}
    asked = str(document.get("project", {}).get("requires-python", ""))
    try:
        allowed = SpecifierSet(asked)
    except InvalidSpecifier:
        allowed = SpecifierSet()
    if any(allowed.contains(f"3.{minor}") for minor in range(15)):
        said = f"requires-python = {asked!r}" if asked else "nothing about it"
        raise CommandRefused(
            f"--to lazy needs Python 3.15, and pyproject.toml says {said}",
            remedy="Write requires-python = '>=3.15' into [project], if that is so.",
        )


def objection_to_lazy(site: Site) -> str:
    """Why an import that is done when the file is imported can't be lazy; empty where it can."""
    if site.call:
        return f"{site.call} is no import statement"
    if any(name == "*" for name, _ in site.names):
        return "'import *' can't be lazy"
    if site.owners:
        return "an import in a class can't be lazy"
    if any(not isinstance(block, ast.If) for block in site.blocks):
        return "it stands in a block, such as try, where it can't be lazy, or is meant to be done"
    return ""


def references(heavy: HeavySite, code: Code) -> Iterator[tuple[str, str]]:
    """Each name that is bound, with ``module`` or ``module:attribute``; that is empty where none is known."""
    node = heavy.site.node
    for name, modules in heavy.site.names:
        if isinstance(node, ast.ImportFrom):
            yield name, code.reference(modules[-1], modules[0].rpartition(".")[2])
        else:
            aliases = node.names if isinstance(node, ast.Import) else []
            is_root = name != modules[0] and any(each.name == modules[0] and not each.asname for each in aliases)
            yield name, "" if is_root else modules[0]


def _is_undeclared(declared: HeavyModule | None) -> bool:
    """Whether what the configuration declares must be written for it to be there."""
    return declared is None or declared.source == BY_FLAG


def _alias_fault(alias: str, reference: str) -> str:
    faults = read_declarations([(f"{alias} = {reference}", "the import")])[1]
    return faults[0].removeprefix("heavy_modules: ") if faults else ""


def _declared(project: Project, declarations: dict[str, str]) -> Iterator[Change]:
    """The configuration file with what is declared anew."""
    lines = []
    for alias, reference in declarations.items():
        declared = project.declared.get(alias)
        if _is_undeclared(declared):
            is_plain = ":" not in reference and reference.rpartition(".")[2] == alias
            lines.append(reference if is_plain else f"{alias} = {reference}")
    if lines:
        file = project.config_file or project.root / "pytest.ini"
        before = file.read_bytes() if file.exists() else b""
        yield Change(file, project.shown(file), before, with_declarations(file.name, before, lines))


def _changed_meaning(source: Source, asked: Asked, after: bytes, scan: Scan) -> str:
    """Why a change must not be made, which would be a fault of ours; empty where all is as it should be."""
    try:
        changed = read(asked._replace(data=after), scan.standard)
    except SyntaxError as error:
        return f"the change would be no Python: {error.msg}"
    if [test.name for test in changed.tests] != [test.name for test in source.tests]:
        return "the change would lose a test"
    return "" if fixtures_in(changed).keys() == fixtures_in(source).keys() else "the change would lose a fixture"
