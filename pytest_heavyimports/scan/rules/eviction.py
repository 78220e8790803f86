"""Heavy modules thrown out of ``sys.modules``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..statements import dotted_name, is_sys_modules, last_name, text_of, walk
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
        if dotted_name(node.func).endswith("patch.dict"):
            yield Found(node, "what is first imported inside of patch.dict is thrown out of sys.modules at its end")
        elif function in ("delitem", "setitem") and len(node.args) > 1:
            yield from _thrown_out(source, node, node.args[1], " for one test")


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
