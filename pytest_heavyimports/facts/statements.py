"""The imports in a file, as they stand there."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Union

Function = (ast.FunctionDef, ast.AsyncFunctionDef)
AnyFunction = Union[ast.FunctionDef, ast.AsyncFunctionDef]  # noqa: UP007  # at run time, 3.10 has no | for these
Owner = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]  # noqa: UP007

_IS_LAZY = "is_lazy"
"""The attribute of a node that Python's own parser sets, from Python 3.15 on."""
_WORD = rb"^([ \t]*)lazy[ \t]+(?=(?:import|from)\b)"
_WORDS: dict[type, re.Pattern[Any]] = {
    bytes: re.compile(_WORD, re.MULTILINE),
    str: re.compile(_WORD.decode(), re.MULTILINE),
}

CALLS = ("importorskip", "import_module", "__import__")
"""Functions whose first argument is imported."""


class Site(NamedTuple):
    """One import."""

    node: ast.stmt
    names: tuple[tuple[str, tuple[str, ...]], ...]
    """Each name that it binds, with the full names of what that may import, the most exact first."""
    owners: tuple[Owner, ...]
    """The functions and classes that it stands in, the outermost first."""
    blocks: tuple[ast.stmt, ...]
    """The statements (``if``, ``try``, ``with``, …) around it in the innermost of these."""
    call: str = ""
    """The function, where it is no import statement but a call."""

    @property
    def is_in_function(self) -> bool:
        """Whether it is done when a function is called, and not when the file is imported."""
        return any(isinstance(owner, Function) for owner in self.owners)

    @property
    def is_lazy(self) -> bool:
        """Whether it is done when one of its names is used: ``lazy import torch``."""
        return bool(getattr(self.node, _IS_LAZY, False))

    @property
    def is_at_once(self) -> bool:
        """Whether it is done when the file is imported."""
        return not (self.is_in_function or self.is_lazy)

    @property
    def modules(self) -> Iterator[tuple[str, ...]]:
        """What each name may import."""
        return (modules for _, modules in self.names)


def parse(text: str | bytes) -> ast.Module:
    """
    The tree of a file, in which ``lazy import`` is an import on every Python.

    Before Python 3.15 the word is taken away, and the imports of these lines are known as lazy. ``__lazy_modules__``
    is only asked where this Python goes by it.

    Raises:
        SyntaxError: The text is no Python.
    """
    if sys.version_info >= (3, 15):
        tree = ast.parse(text)
        listed = _listed_as_lazy(tree)
        lazy: Iterable[ast.stmt] = [node for node in tree.body if listed and not listed.isdisjoint(_modules(node))]
    else:
        pattern, newline = _WORDS[type(text)], "\n" if isinstance(text, str) else b"\n"
        numbers = {text.count(newline, 0, match.start()) + 1 for match in pattern.finditer(text)}  # type: ignore[arg-type]
        tree = ast.parse(pattern.sub(r"\1" if isinstance(text, str) else rb"\1", text) if numbers else text)
        imports = (node for node in walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)))
        lazy = [node for node in imports if node.lineno in numbers] if numbers else []
    for node in lazy:
        setattr(node, _IS_LAZY, True)
    return tree


def _listed_as_lazy(tree: ast.Module) -> set[str]:
    """The modules of ``__lazy_modules__``, as far as they are written there."""
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and "__lazy_modules__" in map(last_name, node.targets)
    ]
    return {text for value in values for item in getattr(value, "elts", ()) if (text := text_of(item))}


def _modules(node: ast.AST) -> list[str]:
    """What an import statement imports, or imports from."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def import_sites(tree: ast.Module, package: str) -> Iterator[Site]:
    """
    The imports of a file in the order of their lines, without those that are for type checkers alone.

    Args:
        tree: The file.
        package: The package that relative imports start from.
    """
    return _sites(tree.body, package, (), ())


def _sites(
    body: Iterable[ast.AST], package: str, owners: tuple[Owner, ...], blocks: tuple[ast.stmt, ...]
) -> Iterator[Site]:
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield Site(node, tuple(_names(node, package)), owners, blocks)
        elif isinstance(node, (*Function, ast.ClassDef)):
            yield from _sites(node.body, package, (*owners, node), ())
        elif isinstance(node, (ast.Assign, ast.Expr)):
            yield from _called(node, owners, blocks)
        elif isinstance(node, ast.If) and is_type_checking(node.test):
            yield from _sites(node.orelse, package, owners, (*blocks, node))
        else:
            around = (*blocks, node) if isinstance(node, ast.stmt) else blocks
            for field in ("body", "handlers", "cases", "orelse", "finalbody"):
                yield from _sites(getattr(node, field, ()), package, owners, around)


def _names(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0], (alias.name,)
        return
    source = absolute(node, package)
    for alias in node.names:
        modules = (source,) if alias.name == "*" else (f"{source}.{alias.name}", source)
        yield alias.asname or alias.name, modules


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The full name of the module that names are imported from."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1])
    return ".".join(filter(None, (base, node.module)))


def _called(node: ast.Assign | ast.Expr, owners: tuple[Owner, ...], blocks: tuple[ast.stmt, ...]) -> Iterator[Site]:
    call = node.value
    if not (isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant)):
        return
    function, module = last_name(call.func), call.args[0].value
    if function in CALLS and isinstance(module, str) and module:
        targets = node.targets if isinstance(node, ast.Assign) else []
        bound = next((target.id for target in targets if isinstance(target, ast.Name)), "")
        yield Site(node, ((bound, (module,)),), owners, blocks, function)


def last_name(node: ast.AST) -> str:
    """``"c"`` of ``c``, ``a.b.c`` and ``a().c``; empty for what has no name."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def dotted_name(node: ast.AST) -> str:
    """``"a.b.c"`` of that expression, and of a call of it; empty for what is no such thing."""
    if isinstance(node, ast.Call):
        return dotted_name(node.func)
    if isinstance(node, ast.Attribute):
        prefix = dotted_name(node.value)
        return f"{prefix}.{node.attr}" if prefix else ""
    return node.id if isinstance(node, ast.Name) else ""


def is_type_checking(test: ast.expr) -> bool:
    """Whether a condition is true for type checkers alone."""
    return last_name(test) == "TYPE_CHECKING" and isinstance(test, (ast.Name, ast.Attribute))


def is_sys_modules(node: ast.AST) -> bool:
    """Whether an expression is ``sys.modules``, or its name as ``patch.dict`` takes it."""
    if isinstance(node, ast.Constant):
        return node.value == "sys.modules"
    return isinstance(node, ast.Attribute) and node.attr == "modules" and last_name(node.value) in ("sys", "_sys")


def text_of(node: ast.AST | None) -> str | None:
    """The text of a constant; ``None`` for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it, in no order: ``ast.walk`` in a third of its time."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        for value in vars(each).values():
            if isinstance(value, ast.AST):
                waiting.append(value)
            elif isinstance(value, list):
                waiting += [item for item in value if isinstance(item, ast.AST)]
