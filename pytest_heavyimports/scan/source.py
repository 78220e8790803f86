"""One test file, read: its tests, what they need, and which imports are heavy."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ..facts.statements import Function, Site, import_sites, last_name, parse, text_of, walk

if TYPE_CHECKING:
    from ..facts.statements import AnyFunction, Owner
    from .heaviness import Heaviness

_IGNORE = re.compile(r"#\s*heavyimports:\s*ignore(?:\[([\w\s,-]+)\])?")

# What pytest and unittest call, or look at, for every test of a file or class.
_FOR_ALL = frozenset(
    "pytestmark pytest_generate_tests setup_module teardown_module setUpModule tearDownModule setup_function "
    "teardown_function setup_class teardown_class setup_method teardown_method setUpClass tearDownClass setUp tearDown "
    "asyncSetUp asyncTearDown __init__ load_tests pytest_plugins".split()
)
_BY_TEXT = ("usefixtures", "getfixturevalue")
"""Functions whose arguments are names of fixtures."""
_STAND_IN = "heavy_stub"
"""A mark, and a fixture that is called: their arguments are names of modules."""


class Naming(NamedTuple):
    """How pytest tells tests, by the configuration."""

    functions: tuple[str, ...] = ("test",)
    classes: tuple[str, ...] = ("Test",)

    def is_test(self, name: str) -> bool:
        """Whether pytest takes a function of this name for a test."""
        return _matches(name, self.functions)

    def is_test_class(self, name: str) -> bool:
        """Whether pytest takes a class of this name for one with tests."""
        return _matches(name, self.classes)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(name.startswith(each) or (set(each) & set("*?[") and fnmatchcase(name, each)) for each in patterns)


class Test(NamedTuple):
    """A test function, with the classes that it stands in."""

    node: AnyFunction
    classes: tuple[ast.ClassDef, ...] = ()

    @property
    def name(self) -> str:
        """As in its nodeid."""
        return "::".join(owner.name for owner in (*self.classes, self.node))


class HeavySite(NamedTuple):
    """An import that brings in something heavy."""

    site: Site
    module: str
    """What the statement names."""
    chain: tuple[str, ...]
    bound: frozenset[str]
    """The names that stand for something heavy afterwards."""


class Source:
    """A file of a suite."""

    def __init__(
        self,
        file: str,
        text: str,
        heaviness: Heaviness,
        *,
        module: str = "",
        naming: Naming = Naming(),  # noqa: B008  # it doesn't change
        heavy_fixtures: Iterable[str] = (),
    ) -> None:
        """
        Args:
            file: As it is told.
            text: What stands in it.
            heaviness: What is heavy.
            module: Its full name, that relative imports start from; empty: that of the file.
            naming: How pytest tells tests.
            heavy_fixtures: Fixtures from elsewhere that give or import something heavy.

        Raises:
            SyntaxError: The text is no Python.
        """
        self.file = file
        self.text = text
        self.tree = parse(text)
        self.module = module
        self.heaviness = heaviness
        self.naming = naming
        self.heavy_fixtures = frozenset(heavy_fixtures)

    @cached_property
    def lines(self) -> list[str]:
        """Of the text, as Python counts them."""
        return self.text.split("\n")

    @cached_property
    def sites(self) -> list[Site]:
        """Every import."""
        return list(import_sites(self.tree, self.module.rpartition(".")[0]))

    @cached_property
    def heavy_sites(self) -> list[HeavySite]:
        """Those that bring in something heavy."""
        return [heavy for site in self.sites if (heavy := self._heavy(site))]

    def _heavy(self, site: Site) -> HeavySite | None:
        stand_ins = self._stand_ins(site) if _STAND_IN in self.text and site.is_in_function else frozenset()
        chains = {
            bound: (modules, chain)
            for bound, modules in site.names
            if (chain := self.heaviness.chain(modules[0], stand_ins))
        }
        if not chains:
            return None
        modules, chain = next(iter(chains.values()))
        return HeavySite(site, modules[-1], chain, frozenset(chains))

    def _stand_ins(self, site: Site) -> frozenset[str]:
        """What a stand-in takes the place of when an import in a function is done: by marks, and by calls before it."""
        return frozenset(
            name
            for call in _before(site, self.tree.body)
            if last_name(call.func) == _STAND_IN
            for name in filter(None, map(text_of, call.args))
        )

    @cached_property
    def is_heavy_by_package(self) -> bool:
        """Whether the packages that the file lies in import something heavy."""
        package = self.module.rpartition(".")[0]
        return bool(package and self.heaviness.chain(package))

    @cached_property
    def is_heavy(self) -> bool:
        """Whether importing the file imports something heavy."""
        return self.is_heavy_by_package or any(each.site.is_at_once for each in self.heavy_sites)

    @cached_property
    def tests(self) -> list[Test]:
        """The tests, in the order of their lines."""
        return list(self._tests(self.tree.body, ()))

    def _tests(self, body: Iterable[ast.stmt], classes: tuple[ast.ClassDef, ...]) -> Iterator[Test]:
        of_unittest = any(is_unittest(owner) for owner in classes)
        for node in body:
            if isinstance(node, Function):
                is_named = self.naming.is_test(node.name) or (of_unittest and node.name.startswith("test"))
                if is_named and not is_fixture(node):
                    yield Test(node, classes)
            elif isinstance(node, ast.ClassDef):
                if self.naming.is_test_class(node.name) or is_unittest(node):
                    yield from self._tests(node.body, (*classes, node))
            elif isinstance(node, (ast.If, ast.Try, ast.With)):
                for field in ("body", "orelse", "finalbody"):
                    yield from self._tests(getattr(node, field, ()), classes)

    @cached_property
    def needs(self) -> NeededNames:
        """What needs what in the file."""
        return NeededNames(self)

    def scope_of(self, node: ast.stmt | ast.expr) -> str:
        """The classes and functions that a node stands in, as in a nodeid."""
        around = [each for each in walk(self.tree) if isinstance(each, (*Function, ast.ClassDef))]
        place = node.lineno, node.col_offset
        inside = [each for each in around if each is not node and _begin(each) <= place < _end(each)]
        return owner_name(tuple(sorted(inside, key=_begin)))

    def is_ignored(self, rule: str, node: ast.AST) -> bool:
        """Whether a comment on one of its lines says ``heavyimports: ignore[rule]``."""
        first: int = getattr(node, "lineno", 1)
        last: int = first if hasattr(node, "body") else getattr(node, "end_lineno", first)
        for line in self.lines[first - 1 : last]:
            if "heavyimports" in line and (match := _IGNORE.search(line)):
                return match[1] is None or rule in re.split(r"[\s,]+", match[1])
        return False


class NeededNames:
    """Which names of a file its tests need, directly and through others."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._bound_by: dict[str, list[ast.stmt]] = defaultdict(list)
        for statement in source.tree.body:
            names = bound_names(statement)
            if isinstance(statement, Function) and is_fixture(statement):
                names.add(fixture_name(statement))
            for name in names:
                self._bound_by[name].append(statement)
        self._heavy_names = frozenset[str]().union(
            *(each.bound for each in source.heavy_sites if not each.site.is_in_function)
        )
        self._lazy = {owner for each in source.heavy_sites if each.site.is_in_function for owner in each.site.owners}
        # Who needs one of its names needs all it does: try: import torch / except ImportError: HAS_TORCH = False
        self._heavy_blocks = {
            each.site.blocks[0]
            for each in source.heavy_sites
            if each.site.blocks and not each.site.is_in_function and not each.site.owners
        }
        self._for_all = frozenset(
            name
            for name, statements in self._bound_by.items()
            if name in _FOR_ALL or any(is_autouse(statement) for statement in statements)
        )
        self._tests = {test.node for test in source.tests}
        self._vocabularies: dict[ast.AST, tuple[frozenset[str], frozenset[str]]] = {}
        self._parts: dict[ast.AST, list[ast.stmt]] = {}

    def names_of(self, test: Test) -> frozenset[str]:
        """The names at the top of the file that a test needs."""
        return self._reached(self._of_test(test) | self._for_all)

    def names_of_statement(self, statement: ast.stmt) -> frozenset[str]:
        """The names at the top of the file that a statement there needs."""
        return self._reached(self.uses(statement))

    @cached_property
    def for_all(self) -> frozenset[str]:
        """The names that each test needs."""
        return self._reached(self._for_all)

    def is_heavy(self, test: Test) -> bool:
        """Whether a test needs something heavy."""
        return test.node in self._heavy_tests

    @cached_property
    def _heavy_tests(self) -> set[ast.AST]:
        if "*" in self._heavy_names or not self._for_all.isdisjoint(self._needy):
            return set(self._tests)
        return {
            test.node
            for test in self._source.tests
            if test.node in self._lazy
            or not self._lazy.isdisjoint(self.parts_of(test))
            or not self._of_test(test).isdisjoint(self._needy)
        }

    def are_heavy(self, names: frozenset[str]) -> bool:
        """Whether one of these names stands for something heavy, or for what needs something heavy."""
        return not names.isdisjoint(self._needy)

    @cached_property
    def _needy(self) -> frozenset[str]:
        """The names that stand for something heavy, and those of statements that use one of these."""
        needy = set(self._heavy_names | self._source.heavy_fixtures)
        waiting: dict[ast.stmt, set[str]] = defaultdict(set)
        for name, statements in self._bound_by.items():
            for statement in statements:
                if statement in self._lazy or statement in self._heavy_blocks:
                    needy.add(name)
                elif not isinstance(statement, (ast.Import, ast.ImportFrom)) and statement not in self._tests:
                    waiting[statement].add(name)
        while more := [each for each in waiting if not needy.isdisjoint(self.uses(each))]:
            for statement in more:
                needy |= waiting.pop(statement)
        return frozenset(needy)

    def uses(self, node: ast.AST) -> frozenset[str]:
        """The names in a piece of code, those of fixtures among them."""
        return self._vocabulary(node)[0]

    def _vocabulary(self, node: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
        if node not in self._vocabularies:
            self._vocabularies[node] = vocabulary(node)
        return self._vocabularies[node]

    def _of_test(self, test: Test) -> frozenset[str]:
        names = set(self.uses(test.node))
        for part in self.parts_of(test):
            names |= self.uses(part)
        for owner in test.classes:
            for head in (*owner.bases, *owner.keywords, *owner.decorator_list):
                names |= self.uses(head)
        return frozenset(names.difference(owner.name for owner in test.classes))  # what it uses of them are its parts

    def parts_of(self, test: Test) -> list[ast.stmt]:
        """The statements in the test's classes that it needs: what it uses of ``self``, and what is there for all."""
        if test.node not in self._parts:
            self._parts[test.node] = self._find_parts(test) if test.classes else []
        return self._parts[test.node]

    def _find_parts(self, test: Test) -> list[ast.stmt]:
        members = [each for owner in test.classes for each in owner.body if each not in self._tests]
        members = [each for each in members if not isinstance(each, ast.ClassDef)]
        needed: list[ast.stmt] = [
            each for each in members if not isinstance(each, Function) or each.name in _FOR_ALL or is_autouse(each)
        ]
        waiting = {each.name: each for each in members if isinstance(each, Function) and each not in needed}
        pending: list[ast.AST] = [test.node, *needed]
        while pending:
            words = frozenset[str]().union(*self._vocabulary(pending.pop()))
            more = [waiting.pop(name) for name in list(waiting) if name in words]
            needed += more
            pending += more
        return needed

    def _reached(self, names: Iterable[str]) -> frozenset[str]:
        reached: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                for statement in self._bound_by.get(name, ()):
                    if not isinstance(statement, (ast.Import, ast.ImportFrom)):
                        waiting += self.uses(statement)
        return frozenset(reached)


def bound_names(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top of a file binds there."""
    names: set[str] = set()
    if isinstance(statement, (*Function, ast.ClassDef)):
        return {statement.name}
    for node in _walk_scope(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (*Function, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
    return names


def _walk_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, without the inside of functions, classes and lambdas."""
    yield node
    if not isinstance(node, (*Function, ast.ClassDef, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _walk_scope(child)


def vocabulary(node: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
    """
    The names in a piece of code, and the attributes.

    Names are variables, parameters, which may be fixtures, and fixtures that are asked for by text. Every node of every
    file comes by here, and ``ast.walk`` takes three times as long.
    """
    names: set[str] = set()
    attributes: set[str] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Name):
            names.add(each.id)
            continue
        if isinstance(each, ast.Constant):
            continue
        if isinstance(each, ast.Attribute):
            attributes.add(each.attr)
            waiting.append(each.value)
            continue
        if isinstance(each, ast.arg):
            names.add(each.arg)
        elif isinstance(each, ast.Call) and last_name(each.func) in _BY_TEXT:
            names.update(filter(None, map(text_of, each.args)))
        for value in vars(each).values():
            if isinstance(value, ast.AST):
                waiting.append(value)
            elif isinstance(value, list):
                waiting += [item for item in value if isinstance(item, ast.AST)]
    return frozenset(names), frozenset(attributes)


def _begin(node: Owner) -> tuple[int, int]:
    first = min((*node.decorator_list, node), key=lambda each: each.lineno)
    return first.lineno, first.col_offset


def _end(node: Owner) -> tuple[int, int]:
    assert node.end_lineno is not None  # it was parsed
    assert node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def is_pytestmark(statement: ast.stmt) -> bool:
    """Whether a statement marks all tests of its file or class."""
    return isinstance(statement, ast.Assign) and any(last_name(each) == "pytestmark" for each in statement.targets)


def _before(site: Site, body: Iterable[ast.stmt]) -> Iterator[ast.Call]:
    """The calls in the marks that hold for an import in a file with this *body*, and those in functions before it."""
    marks: list[ast.AST] = [statement for statement in body if is_pytestmark(statement)]
    for owner in site.owners:
        marks += [*owner.decorator_list, *filter(is_pytestmark, owner.body)]
        if isinstance(owner, Function):
            yield from (call for call in _calls(owner.body) if call.lineno < site.node.lineno)
    yield from _calls(marks)


def _calls(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """Those in some code, without what is said of one parameter alone."""
    for node in nodes:
        if isinstance(node, ast.Call):
            if last_name(node.func) in ("param", "parametrize"):
                continue
            yield node
        yield from _calls(ast.iter_child_nodes(node))


def is_unittest(node: ast.ClassDef) -> bool:
    """Whether a class looks like one of unittest, by the name of what it derives from."""
    return any(last_name(base).endswith("TestCase") for base in node.bases)


def is_fixture(node: ast.AST) -> bool:
    """Whether a function is decorated as a fixture."""
    return any(last_name(each) in ("fixture", "yield_fixture") for each in getattr(node, "decorator_list", ()))


def is_autouse(node: ast.AST) -> bool:
    """Whether a function is a fixture that every test gets."""
    return any(
        isinstance(each, ast.Call) and any(keyword.arg == "autouse" for keyword in each.keywords)
        for each in getattr(node, "decorator_list", ())
    )


def owner_name(owners: tuple[Owner, ...]) -> str:
    """As in a nodeid: ``TestA::test_x``."""
    return "::".join(owner.name for owner in owners)


def fixtures_in(source: Source) -> Mapping[str, AnyFunction]:
    """The fixtures of a file, by name."""
    found: dict[str, AnyFunction] = {}
    for node in source.tree.body:
        if isinstance(node, Function) and is_fixture(node):
            found[fixture_name(node)] = node
    return found


def fixture_name(node: AnyFunction) -> str:
    """What a fixture is asked for by: its ``name=``, or that of its function."""
    for decorator in node.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return node.name


def heavy_fixtures_of(source: Source) -> frozenset[str]:
    """The fixtures of a file that give, use or import something heavy."""
    needs = source.needs
    names = set()
    for name, node in fixtures_in(source).items():
        if needs.are_heavy(needs.names_of_statement(node) | {node.name}):
            names.add(name)
    return frozenset(names)
