"""Heavy modules thrown out of ``sys.modules``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...facts.statements import dotted_name, is_sys_modules, last_name, text_of, walk
from .rule import Found, Rule

if TYPE_CHECKING:
    from ..source import Source


def _find(source: Source) -> Iterator[Found]:
    if "sys" not in source.text or "modules" not in source.text:
        return
    for node in walk(source.tree):
        if isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Subscript) and is_sys_modules(target.value):
                    yield from _thrown_out(source, node, target.slice)
        elif isinstance(node, (ast.Call)):
            yield from _called(source, node)


def _called(source: Source, node: ast.Call) -> Iterator[Found]:
    function, first = last_name(node.func), node.args[0] if node.args else None
    if isinstance(node.func, ast.Attribute) and is_sys_modules(node.func.value):
        if function == "pop":
            yield from _thrown_out(source, node, first)
        elif function in ("clear", "popitem"):
            yield Found(node, f"sys.modules.{function}() throws out heavy modules with all others")
    elif first and is_sys_modules(first):
        if dotted_name(node.func).endswith("patch.dict") and not _only_hides(source, node):
            yield Found(node, "what is first imported inside of patch.dict is thrown out of sys.modules at its end")
        elif function in ("delitem", "setitem") and len(node.args) > 1:
            yield from _thrown_out(source, node, node.args[1], " for one test")


def _only_hides(source: Source, call: ast.Call) -> bool:
    """Whether a ``patch.dict`` hides modules, and nothing else that is heavy is imported as long as it does."""
    values = call.args[1] if len(call.args) == 2 and not call.keywords else None
    if not isinstance(values, ast.Dict) or not values.values:
        return False
    hidden = {text_of(key) for key in values.keys}
    if None in hidden or not all(isinstance(each, ast.Constant) and each.value is None for each in values.values):
        return False
    block = next((node for node in walk(source.tree) if call in _begun_by(node)), None)
    return block is not None and all(
        each.chain[-1] in hidden or each.module in hidden or not _is_in(each.site.node, block)
        for each in source.heavy_sites
    )


def _begun_by(node: ast.AST) -> list[ast.expr]:
    """What a block begins with: the managers of ``with``, the decorators of a function or class."""
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return [item.context_expr for item in node.items]
    return getattr(node, "decorator_list", [])


def _is_in(node: ast.stmt, block: ast.AST) -> bool:
    return any(each is node for each in walk(block))


def _thrown_out(source: Source, node: ast.stmt | ast.expr, key: ast.expr | None, duration: str = "") -> Iterator[Found]:
    name = text_of(key)
    if name is None:
        yield Found(node, f"modules that the text doesn't name are thrown out of sys.modules{duration}")
    elif chain := source.heaviness.chain(name):
        yield Found(node, f"{name!r} is thrown out of sys.modules{duration}", chain)


RULE = Rule(
    "eviction",
    "The next import initialises the module a second time, which torch and its like don't survive.",
    "To ask whether an import stays light, use the fixture import_probe. Import what is heavy before patch.dict "
    "begins. heavy_guard puts back what is thrown out, and names the culprit.",
    _find,
)
