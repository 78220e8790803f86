"""The imports in a file, as they stand there."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Union

Function = (ast.FunctionDef, ast.AsyncFunctionDef)
AnyFunction = Union[ast.FunctionDef, ast.AsyncFunctionDef]  # noqa: UP007  # at run time, 3.10 has no | for these
Owner = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]  # noqa: UP007

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
    def modules(self) -> Iterator[tuple[str, ...]]:
        """What each name may import."""
        return (modules for _, modules in self.names)


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
