"""Why an import in a function is to be left where it is."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from ..facts.statements import (
    AnyFunction,
    Function,
    Site,
    dotted_name,
    is_sys_modules,
    is_type_checking,
    last_name,
    walk,
)
from .source import HeavySite, Source, bound_names, fixtures_in, is_autouse, is_fixture, is_pytestmark

_ABOUT_IMPORTS = re.compile(
    r"(?:^|_)(?:re)?(?:import|imports|imported|importing|importable|lazy|lazily|deferred|installed|missing|without)(?:_|$)"
)
_SKIPS = re.compile(r"skip|require|need|available|installed|isolat|fork|subprocess|spawn", re.IGNORECASE)
# Of monkeypatch, mock, os and the like: what an import may behave differently after.
_SETTERS = frozenset(
    "setenv delenv setitem delitem setattr delattr syspath_prepend chdir putenv unsetenv patch reload "
    "set_start_method heavy_stub fchdir".split()
)
_PROBES = frozenset("find_spec import_probe import_module run_module invalidate_caches".split())
_OF_PYTEST = frozenset("pytestmark pytest_plugins collect_ignore collect_ignore_glob load_tests __all__".split())
_BLOCKS = {
    ast.If: "if",
    ast.Try: "try",
    ast.With: "with",
    ast.AsyncWith: "with",
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.While: "while",
    ast.Match: "match",
}


class Safety:
    """Judges the imports in the functions of one file."""

    def __init__(
        self,
        source: Source,
        *,
        outer_fixtures: Mapping[str, AnyFunction] | None = None,
        importers: Collection[str] = (),
    ) -> None:
        """
        Args:
            source: The file.
            outer_fixtures: Those of conftest files above it, by name.
            importers: Modules that import the file.
        """
        self._source = source
        self.fixtures = {**(outer_fixtures or {}), **fixtures_in(source)}
        self._importers = importers
        self._walked: dict[AnyFunction, list[ast.AST]] = {}

    def objection(self, heavy: HeavySite) -> str:
        """Why this import can't be done earlier without a change of meaning; empty where it can."""
        return next(self._objections(heavy.site, heavy.module), "")

    def objection_to_name(self, site: Site) -> str:
        """Why its names can't be names of the file; empty where they can."""
        return next((why for name, modules in site.names for why in self._about_name(site, name, modules)), "")

    def _objections(self, site: Site, module: str) -> Iterator[str]:
        function = site.owners[-1]
        if site.call:
            yield f"{site.call}() is no import statement"
        if site.blocks:
            yield f"it stands under {_BLOCKS.get(type(site.blocks[-1]), 'a condition')!r}"
        if not isinstance(function, Function) or sum(isinstance(owner, Function) for owner in site.owners) > 1:
            yield "it stands in a function or class inside of a function"
            return
        if _shares_line(site.node, function):
            yield "it shares its line with another statement"
        yield from self._about_test(site, function)
        yield from self._about_surroundings(site, function)
        yield from self._about_file(module)
        yield from self._about_bindings(site, function)

    def _nodes(self, function: AnyFunction) -> list[ast.AST]:
        if function not in self._walked:
            self._walked[function] = list(walk(function))
        return self._walked[function]

    def _about_test(self, site: Site, function: AnyFunction) -> Iterator[str]:
        names = [owner.name for owner in site.owners]
        if function.name.startswith("pytest_"):
            yield "it stands in a hook of pytest"
        if any(_ABOUT_IMPORTS.search(name) for name in names) or all(_is_trivial(each) for each in function.body):
            yield "the test seems to be about importing"
        for node in self._nodes(function):
            if isinstance(node, ast.Call):
                if last_name(node.func) in _PROBES:
                    yield "the test seems to be about importing"
                if last_name(node.func) in ("raises", "assertRaises") and any(
                    last_name(each) in ("ImportError", "ModuleNotFoundError") for each in node.args
                ):
                    yield "the test seems to be about importing"
        is_test = any(test.node is function for test in self._source.tests)
        if not is_test and not is_fixture(function) and function.name not in ("setUp", "setup_method"):
            yield from self._about_helper(function)

    def _about_helper(self, function: AnyFunction) -> Iterator[str]:
        """A function that is handed on may run in another process, or its text elsewhere."""
        if function.name in self._handed_on:
            yield f"{function.name!r} is handed on, and may run elsewhere"

    @cached_property
    def _handed_on(self) -> frozenset[str]:
        """The names that are used otherwise than by being called."""
        nodes = list(walk(self._source.tree))
        called = {node.func for node in nodes if isinstance(node, ast.Call)}
        used = (node for node in nodes if isinstance(node, (ast.Name, ast.Attribute)) and node not in called)
        return frozenset(last_name(node) for node in used)

    def _about_surroundings(self, site: Site, function: AnyFunction) -> Iterator[str]:
        for owner in site.owners:
            for decorator in owner.decorator_list:
                name = dotted_name(decorator)
                if _SKIPS.search(name):
                    yield f"it is done only where @{name} lets it"
                if _touches(decorator):
                    yield f"it is done under @{name}"
        if self._is_skipping_file or any(_is_skip_mark(each) for owner in site.owners for each in owner.body):
            yield "it is done only where pytestmark lets it"
        bodies = (self._source.tree.body, *(owner.body for owner in site.owners))
        if any(is_pytestmark(each) and _touches(each) for body in bodies for each in body):
            yield "it is done under pytestmark"
        for statement in function.body:
            if statement.lineno >= site.node.lineno:
                break
            if what := _touches(statement):
                yield f"{what} in line {statement.lineno} comes before it"
            if any(_is_skip(node) for node in walk(statement)):
                yield f"line {statement.lineno} may skip the test before it"
        for name in self._fixtures_of(site, function):
            if what := _touches(self.fixtures[name]):
                yield f"{what} in fixture {name!r} comes before it"
        for owner in site.owners[:-1]:
            for member in owner.body:
                if not isinstance(member, Function) or member.name not in _SETUPS or member is function:
                    continue
                if what := _touches(member):
                    yield f"{what} in {member.name} comes before it"

    def _fixtures_of(self, site: Site, function: AnyFunction) -> list[str]:
        """The fixtures that are set up before the function runs, as far as they are known."""
        waiting = [*_parameters(function), *(n for n, node in self.fixtures.items() if is_autouse(node))]
        for owner in site.owners:
            for decorator in owner.decorator_list:
                if last_name(decorator) == "usefixtures" and isinstance(decorator, ast.Call):
                    waiting += [str(each.value) for each in decorator.args if isinstance(each, ast.Constant)]
        seen: dict[str, None] = {}
        while waiting:
            name = waiting.pop()
            node = self.fixtures.get(name)
            if node is not None and node is not function and name not in seen:
                seen[name] = None
                waiting += _parameters(node)
        return list(seen)

    @cached_property
    def _is_skipping_file(self) -> bool:
        return any(_is_skip_mark(statement) for statement in self._source.tree.body)

    @cached_property
    def _is_reloading(self) -> bool:
        return bool(re.search(r"\breload\(|\bsys\.modules\b", self._source.text))

    def _about_file(self, module: str) -> Iterator[str]:
        if self._is_reloading:
            yield "the file reloads modules, or changes sys.modules"
        if module in self._importers:
            yield "it would be a circular import"
        for site in self._source.sites:
            is_optional = any(isinstance(block, ast.Try) for block in site.blocks) and not site.is_in_function
            if is_optional and any(names[-1].partition(".")[0] == module.partition(".")[0] for names in site.modules):
                yield f"the file is made to work without {module.partition('.')[0]!r} (line {site.node.lineno})"

    def _about_bindings(self, site: Site, function: AnyFunction) -> Iterator[str]:
        for name, _ in site.names:
            if any(_binds(node, name, site.node) for node in self._nodes(function)):
                yield f"{name!r} is bound in another way in {function.name}"
            if name.startswith("__") and not name.endswith("__"):
                yield f"{name!r} is a private name"

    def _about_name(self, site: Site, name: str, modules: tuple[str, ...]) -> Iterator[str]:
        naming = self._source.naming
        if naming.is_test(name) or naming.is_test_class(name):
            yield f"pytest would take {name!r} for a test"
        if name in _OF_PYTEST or name.startswith(("pytest_", "setup_", "teardown_")):
            yield f"pytest would take {name!r} for its own"
        if hasattr(builtins, name):
            yield f"{name!r} would hide the built-in"
        for line in self._at_the_top.get(name, ()):
            yield f"{name!r} is something else at the top of the file (line {line})"
        for other in self._source.sites:
            for bound, others in other.names:
                if bound == name and not _is_same(site, modules, other, others):
                    yield f"{name!r} is something else in line {other.node.lineno}"
        if self._has_star and name in self._free_elsewhere(site):
            yield f"{name!r} may be something else by 'import *'"

    @cached_property
    def _at_the_top(self) -> dict[str, list[int]]:
        """The names that are bound at the top of the file by anything but imports, with the lines."""
        found: dict[str, list[int]] = {}
        for statement in self._source.tree.body:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                continue
            if isinstance(statement, ast.If) and is_type_checking(statement.test):
                continue
            for name in bound_names(statement):
                found.setdefault(name, []).append(statement.lineno)
        return found

    @cached_property
    def _has_star(self) -> bool:
        return any(bound == "*" for site in self._source.sites for bound, _ in site.names)

    def _free_elsewhere(self, site: Site) -> set[str]:
        others = (each for each in self._source.tree.body if each is not site.owners[0])
        return {name for each in others for name in self._source.needs.uses(each)}


_SETUPS = ("setup_method", "setup_class", "setUp", "setUpClass", "asyncSetUp")


def is_barrier(statement: ast.stmt) -> bool:
    """Whether a statement at the top of a file changes what imports after it do, or keeps them from being done."""
    if isinstance(statement, (*Function, ast.ClassDef, ast.Import, ast.ImportFrom)):
        return False
    return bool(_touches(statement)) or any(_is_skip(node) for node in walk(statement))


def _touches(node: ast.AST) -> str:
    """What in a piece of code changes the environment, patches or reloads; empty where nothing does."""
    for each in walk(node):
        if is_sys_modules(each) and isinstance(each, ast.Attribute):
            return "sys.modules"
        if isinstance(each, ast.Attribute) and dotted_name(each) in ("os.environ", "sys.path", "sys.meta_path"):
            return dotted_name(each)
        if isinstance(each, ast.Call):
            name = dotted_name(each.func)
            if name.rpartition(".")[2] in _SETTERS or "patch" in name.split(".")[:-1]:
                return f"{name}()"
    return ""


def _is_skip(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) in (
        "skip",
        "importorskip",
        "skipTest",
        "xfail",
        "exit",
        "SkipTest",
    )


def _is_skip_mark(statement: ast.stmt) -> bool:
    return is_pytestmark(statement) and any(_SKIPS.search(dotted_name(node)) for node in walk(statement))


def _is_trivial(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass)):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _shares_line(node: ast.stmt, function: AnyFunction) -> bool:
    lines = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    others = [each for each in function.body if each is not node]
    return function.lineno in lines or any(
        not lines.isdisjoint((each.lineno, each.end_lineno or each.lineno)) for each in others
    )


def _parameters(function: AnyFunction) -> list[str]:
    arguments = function.args
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _binds(node: ast.AST, name: str, besides: ast.stmt) -> bool:
    """Whether a node binds *name* in a function, other than by the statement itself."""
    if node is besides:
        return False
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.arg):
        return node.arg == name
    if isinstance(node, (*Function, ast.ClassDef)):
        return node.name == name
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return name in node.names
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return any((alias.asname or alias.name.partition(".")[0]) == name for alias in node.names)
    if isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return node.name == name
    return isinstance(node, ast.MatchMapping) and node.rest == name


def _is_same(site: Site, modules: tuple[str, ...], other: Site, others: tuple[str, ...]) -> bool:
    """Whether two imports bind a name to the same thing."""
    if other.call:
        return modules[0] == others[0]
    if isinstance(site.node, ast.Import) and isinstance(other.node, ast.Import):
        return modules == others or (_binds_root(site.node, modules) and _binds_root(other.node, others))
    return modules == others or modules[0] == others[0]


def _binds_root(node: ast.Import, modules: tuple[str, ...]) -> bool:
    return any(alias.name == modules[0] and alias.asname is None for alias in node.names)
