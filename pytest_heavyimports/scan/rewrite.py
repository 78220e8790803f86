"""Changes to the text of one file: imports out of functions. Every character that isn't meant stays as it is."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Union

import libcst as cst
from libcst.helpers import get_full_name_for_node

from ..facts.names import root
from ..facts.statements import walk

Statement = Union[cst.SimpleStatementLine, cst.BaseCompoundStatement]  # noqa: UP007  # at run time, 3.10 has no | here
Names = Sequence[tuple[str, str]]
"""Names that a statement binds, each with that of its fixture."""
ImportNode = Union[cst.Import, cst.ImportFrom]  # noqa: UP007
LAZY: tuple[type[Any], ...] = tuple(vars(cst)[name] for name in ("LazyImport", "LazyImportFrom") if name in vars(cst))
"""libcst's classes for ``lazy import``, from version 1.9 on; they have the fields of the others, and one more."""
IMPORTS: Any = (cst.Import, cst.ImportFrom, *LAZY)


class Placing(NamedTuple):
    """Where imports belong at the top of a file."""

    local: frozenset[str] = frozenset()
    """The top-level names of the code under test, which have a block of their own."""
    after: int = 0
    """How many statements at the top of the file must come before them."""


def import_numbers(tree: ast.Module) -> dict[ast.AST, int]:
    """
    The import statements of a file, numbered in the order of the text.

    By these numbers libcst's nodes are told: to ask it for positions takes longer than all the rest.
    """
    nodes = (node for node in walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)))
    return {node: number for number, node in enumerate(sorted(nodes, key=lambda node: (node.lineno, node.col_offset)))}


def hoist(text: bytes, numbers: Collection[int], placing: Placing) -> bytes:
    """
    Move import statements from functions to the imports at the top of the file.

    Comments go with them. One that stands there already is taken away.
    """
    taken, module = _take(text, dict.fromkeys(numbers, ()))
    return module.with_changes(body=_Top(module.body, placing).with_imports(taken.imports)).bytes


def make_lazy(text: bytes, in_place: Collection[int], to_move: Collection[int], placing: Placing) -> bytes:
    """
    Turn import statements into ``lazy`` ones.

    Args:
        text: The file.
        in_place: The numbers of statements at the top of the file, which stay where they are.
        to_move: The numbers of statements in functions, which are moved to the top.
        placing: Where these belong.
    """
    changed = cst.parse_module(text).visit(_MakingLazy(in_place)).bytes if in_place else text
    taken, module = _take(changed, dict.fromkeys(to_move, ()))
    imports = [each.with_changes(body=[as_lazy(node) for node in each.body]) for each in taken.imports]
    return module.with_changes(body=_Top(module.body, placing).with_imports(imports)).bytes


def as_lazy(node: cst.BaseSmallStatement) -> cst.BaseSmallStatement:
    """The import statement with the word ``lazy``; one that has it, and any other statement, as it is."""
    if not isinstance(node, (cst.Import, cst.ImportFrom)):
        return node
    lazy: cst.BaseSmallStatement = LAZY[isinstance(node, cst.ImportFrom)](
        **{name: getattr(node, name) for name in node.__dataclass_fields__ if name != "__slots__"}
    )
    return lazy


def to_parameters(text: bytes, parameters: Mapping[int, Names]) -> bytes:
    """
    Turn import statements in functions into parameters.

    Args:
        text: The file.
        parameters: Of the number of each statement, the names that it binds, with those of the fixtures.
    """
    return _take(text, parameters)[1].bytes


def _take(text: bytes, parameters: Mapping[int, Names]) -> tuple[_Taking, cst.Module]:
    taking = _Taking(parameters)
    return taking, cst.parse_module(text).visit(taking)


class _MakingLazy(cst.CSTTransformer):
    """Turns some import statements into lazy ones, by their numbers."""

    def __init__(self, numbers: Collection[int]) -> None:
        super().__init__()
        self._numbers = numbers
        self._number = -1

    def on_leave(self, original_node: cst.CSTNode, updated_node: Any) -> Any:
        if isinstance(original_node, IMPORTS):
            self._number += 1
            return as_lazy(updated_node) if self._number in self._numbers else updated_node
        return updated_node


class _Taking(cst.CSTTransformer):
    """Takes import statements out of functions, and notes them. Expressions are not looked at."""

    def __init__(self, parameters: Mapping[int, Names]) -> None:
        super().__init__()
        self._parameters = parameters
        self._is_replacing = any(parameters.values())
        self._number = 0
        self._taken: set[cst.CSTNode] = set()
        self._wanted: list[list[tuple[str, str]]] = []
        self.imports: list[cst.SimpleStatementLine] = []

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._wanted.append([])

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        wanted = dict(self._wanted.pop())
        renamed = {name: alias for name, alias in wanted.items() if name != alias}
        if renamed:
            renaming = _Renaming(renamed)
            updated_node = updated_node.with_changes(body=updated_node.body.visit(renaming))
        if wanted:
            return updated_node.with_changes(params=_with_parameters(updated_node.params, wanted.values()))
        return updated_node

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> bool:
        for number in self._count(node):
            if self._wanted and number in self._parameters:
                self._taken.add(node)
                self._wanted[-1] += self._parameters[number]
        return False

    def visit_SimpleStatementSuite(self, node: cst.SimpleStatementSuite) -> bool:
        self._count(node)
        return False

    def _count(self, node: cst.SimpleStatementLine | cst.SimpleStatementSuite) -> range:
        before = self._number
        self._number += sum(isinstance(each, IMPORTS) for each in node.body)
        return range(before, self._number)

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        if self._taken.isdisjoint(updated_node.body):
            return updated_node
        body: list[cst.BaseStatement] = []
        left: list[cst.EmptyLine] = []
        is_at_start = True
        for statement in updated_node.body:
            if statement in self._taken:
                left += self._keep(statement)  # type: ignore[arg-type]  # it was noted as one
                continue
            if left or (is_at_start and len(body) == 0 and updated_node.body[0] in self._taken):
                statement = _after_gap(statement, left, is_first=not body)
            left = []
            body.append(statement)
            is_at_start = False
        comments = [line for line in left if line.comment]
        return updated_node.with_changes(body=body, footer=[*comments, *updated_node.footer])

    def _keep(self, statement: cst.SimpleStatementLine) -> list[cst.EmptyLine]:
        """Note a statement; gives the lines above it that stay: blank ones, and comments of a parameter to be."""
        comments = [line for line in statement.leading_lines if line.comment]
        if self._is_replacing:
            if statement.trailing_whitespace.comment:
                comments.append(cst.EmptyLine(comment=statement.trailing_whitespace.comment))
            return [*_blank(statement.leading_lines), *comments]
        self.imports.append(statement.with_changes(leading_lines=comments))
        return _blank(statement.leading_lines)


def _blank(lines: Iterable[cst.EmptyLine]) -> list[cst.EmptyLine]:
    return [line for line in lines if not line.comment]


def _after_gap(statement: cst.BaseStatement, left: list[cst.EmptyLine], *, is_first: bool) -> cst.BaseStatement:
    """The statement after one that was taken away: blank lines are neither lost nor doubled."""
    lines: list[cst.EmptyLine] = list(getattr(statement, "leading_lines", ()))
    kept = [line for line in left if line.comment]
    if is_first:
        while lines and not lines[0].comment:
            del lines[0]
    elif not _blank(lines[:1]):
        kept = [*_blank(left)[:1], *kept]
    return statement.with_changes(leading_lines=[*kept, *lines])


def _with_parameters(params: cst.Parameters, names: Iterable[str]) -> cst.Parameters:
    new = [cst.Param(cst.Name(name)) for name in dict.fromkeys(names)]
    if params.params:
        last = params.params[-1]
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        if isinstance(last.comma, cst.Comma):  # a trailing one, as a list over several lines has it
            new = [*(each.with_changes(comma=comma) for each in new[:-1]), new[-1].with_changes(comma=last.comma)]
            previous = params.params[-2].comma if len(params.params) > 1 else comma
            comma = previous if isinstance(previous, cst.Comma) else comma
            new = [*(each.with_changes(comma=comma) for each in new[:-1]), new[-1]]
        elif len(new) > 1:
            new = [*(each.with_changes(comma=comma) for each in new[:-1]), new[-1]]
        return params.with_changes(params=[*params.params[:-1], last.with_changes(comma=comma), *new])
    return params.with_changes(params=new)


class _Top:
    """The statements at the top of a file, and the imports among them."""

    def __init__(self, body: Sequence[Statement], placing: Placing) -> None:
        self._body = list(body)
        self._local = placing.local
        self._begin = self._first_place(placing.after)
        lines = (each for each in body if isinstance(each, cst.SimpleStatementLine))
        self._bound = {binding for line in lines for node in line.body for binding in _bindings(node)}

    def with_imports(self, statements: Iterable[cst.SimpleStatementLine]) -> list[Statement]:
        """With these, each once, where isort would have it."""
        for statement in statements:
            if not self._is_there(statement) and not self._merged(statement):
                self._insert(statement)
        return self._body

    def _first_place(self, after: int) -> int:
        """The number of the first statement that an import may stand before."""
        begin = seen = 0
        for number, statement in enumerate(self._body):
            is_docstring = number == 0 and _is_text(statement)
            if is_docstring or _is_future(statement) or seen < after:
                begin = number + 1
            seen += len(statement.body) if isinstance(statement, cst.SimpleStatementLine) else 1
        for number in range(begin, len(self._body)):
            statement = self._body[number]
            if _imports(statement):
                return number
            if isinstance(statement, (cst.FunctionDef, cst.ClassDef)):
                break
        return begin

    def _run(self) -> range:
        """The numbers of the imports that stand together from the first place on."""
        end = self._begin
        while end < len(self._body) and _imports(self._body[end]):
            end += 1
        return range(self._begin, end)

    def _is_there(self, new: cst.SimpleStatementLine) -> bool:
        wanted = {binding for node in new.body for binding in _bindings(node)}
        if wanted <= self._bound:
            return True
        self._bound |= wanted
        return False

    def _merged(self, new: cst.SimpleStatementLine) -> bool:
        """Add names to a plain ``from`` import of the same module, where there is one."""
        node = new.body[0]
        if not isinstance(node, cst.ImportFrom) or _has_comment(new):
            return False
        for number in self._run():
            line = self._body[number]
            if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1 or line.trailing_whitespace.comment:
                continue
            other = line.body[0]
            if isinstance(other, cst.ImportFrom) and _can_take(other, node):
                both = (*_aliases(other), *_aliases(node))
                names = {(alias.evaluated_name, alias.evaluated_alias): alias for alias in both}
                ordered = (
                    sorted(names.values(), key=_isort_key) if _is_sorted(_aliases(other)) else list(names.values())
                )
                merged = [alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for alias in ordered]
                changed = line.with_changes(body=[other.with_changes(names=merged)])
                if len(_code(changed.with_changes(leading_lines=[]))) <= WIDEST:
                    self._body[number] = changed
                    return True
        return False

    def _insert(self, new: cst.SimpleStatementLine) -> None:
        run = self._run()
        key = self._key(new)
        place = max((number + 1 for number in run if self._key(self._body[number]) <= key), default=run.start)
        before = self._body[place - 1] if place > 0 else None
        after = self._body[place] if place < len(self._body) else None
        is_new_block = place == run.start or self._key(self._body[place - 1])[0] != key[0]
        if is_new_block and place in run and self._key(self._body[place])[0] == key[0]:
            # Takes the place of the first of its block, and the blank line above that.
            assert after
            lines = list(after.leading_lines)
            blank = lines[: next((n for n, line in enumerate(lines) if line.comment), len(lines))]
            self._body[place] = after.with_changes(leading_lines=lines[len(blank) :])
            new = new.with_changes(leading_lines=[*blank, *new.leading_lines])
        elif is_new_block:
            if before is not None:
                new = new.with_changes(leading_lines=[cst.EmptyLine(indent=False), *new.leading_lines])
            if after is not None:
                self._body[place] = self._apart(after, is_import=place in run)
        self._body.insert(place, new)

    def _apart(self, statement: Statement, *, is_import: bool) -> Statement:
        """With so many blank lines above it as belong between it and imports."""
        wanted = 2 if isinstance(statement, (cst.FunctionDef, cst.ClassDef)) and not is_import else 1
        lines = list(statement.leading_lines)
        blank = next((n for n, line in enumerate(lines) if line.comment), len(lines))
        return statement.with_changes(leading_lines=[cst.EmptyLine(indent=False)] * max(0, wanted - blank) + lines)

    def _key(self, statement: Statement) -> tuple[int, bool, str]:
        node = _imports(statement)[0]
        name = _module(node)
        return self._block(name), hasattr(node, "relative"), name.lower()

    def _block(self, name: str) -> int:
        top = root(name)
        if not top:
            return 4  # relative
        if top in self._local:
            return 3
        return 1 if top in sys.stdlib_module_names else 2


class _Renaming(cst.CSTTransformer):
    """Gives variables other names, not attributes and keywords that have the same."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self._names = names

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        return updated_node.with_changes(value=self._names.get(updated_node.value, updated_node.value))

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.Attribute:
        return updated_node.with_changes(attr=original_node.attr)

    def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
        return updated_node.with_changes(keyword=original_node.keyword)


WIDEST = 88
"""Characters of a line that names are added to: the shortest of the limits that formatters have by default."""


def _imports(statement: cst.BaseStatement) -> list[ImportNode]:
    """The imports that a line consists of; empty where it has anything else."""
    if isinstance(statement, cst.SimpleStatementLine):
        body: Sequence[Any] = statement.body
        nodes = [node for node in body if isinstance(node, IMPORTS)]
        if len(nodes) == len(statement.body) and not _is_future(statement):
            return nodes
    return []


def _is_future(statement: cst.BaseStatement) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and any(
        isinstance(node, cst.ImportFrom) and _module(node) == "__future__" for node in statement.body
    )


def _is_text(statement: cst.BaseStatement) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine) or not isinstance(statement.body[0], cst.Expr):
        return False
    return isinstance(statement.body[0].value, (cst.SimpleString, cst.ConcatenatedString))


def _module(node: Any) -> str:
    """What is imported, or imported from; with its dots where that is relative."""
    if not hasattr(node, "relative"):
        return str(node.names[0].evaluated_name)
    return "." * len(node.relative) + (get_full_name_for_node(node.module) or "" if node.module else "")


def _bindings(node: Any) -> Iterable[tuple[str, str, str]]:
    if isinstance(node, IMPORTS):
        module = _module(node) if hasattr(node, "relative") else ""
        for alias in _aliases(node):
            yield module, alias.evaluated_name, alias.evaluated_alias or ""


def _aliases(node: ImportNode) -> Sequence[cst.ImportAlias]:
    return [] if isinstance(node.names, cst.ImportStar) else node.names


def _can_take(other: cst.ImportFrom, node: cst.ImportFrom) -> bool:
    return _module(other) == _module(node) and other.lpar is None and node.lpar is None and bool(_aliases(other))


def _has_comment(statement: cst.SimpleStatementLine) -> bool:
    return statement.trailing_whitespace.comment is not None or any(line.comment for line in statement.leading_lines)


def _is_sorted(aliases: Sequence[cst.ImportAlias]) -> bool:
    return list(aliases) == sorted(aliases, key=_isort_key)


def _isort_key(alias: cst.ImportAlias) -> tuple[int, str]:
    """isort's order of names: constants, classes, the rest."""
    name = alias.evaluated_name
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name


def _code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)
