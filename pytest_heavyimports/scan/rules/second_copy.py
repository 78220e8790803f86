"""Second copies of heavy modules, made past ``sys.modules`` by their loader."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...facts.statements import last_name, text_of, walk
from .rule import Found, Rule

if TYPE_CHECKING:
    from ..source import Source

_MAKERS = ("find_spec", "spec_from_file_location", "spec_from_loader")


def _find(source: Source) -> Iterator[Found]:
    if "exec_module" in source.text:
        yield from _in(source, source.tree)


def _in(source: Source, scope: ast.AST) -> Iterator[Found]:
    """In a scope: a spec of something heavy, and a module that is executed."""
    for node in walk(scope):
        if isinstance(node, ast.Call) and last_name(node.func) == "exec_module":
            specs = [each for each in walk(_around(source, node)) if isinstance(each, ast.Call) and each.args]
            for spec in specs:
                name = text_of(spec.args[0]) if last_name(spec.func) in _MAKERS else None
                if name and (chain := source.heaviness.chain(name)):
                    yield Found(node, f"a second copy of {name!r} is executed", chain)
                    break


def _around(source: Source, node: ast.Call) -> ast.AST:
    """The statement at the top of the file that a call stands in, where it is a function or class; else the file."""
    for statement in source.tree.body:
        if hasattr(statement, "body") and statement.lineno <= node.lineno <= (statement.end_lineno or 0):
            return statement
    return source.tree


RULE = Rule(
    "second-copy",
    "exec_module runs the module past sys.modules, where no guard sees it, and initialises it a second time.",
    "Import the module. To see it in another state, use a process of its own.",
    _find,
)
