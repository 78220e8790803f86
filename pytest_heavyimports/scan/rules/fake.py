"""Fakes of heavy modules that stay in ``sys.modules``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...facts.statements import Function, is_sys_modules, last_name, text_of
from .rule import Found, Rule

if TYPE_CHECKING:
    from ..source import Source


def _find(source: Source) -> Iterator[Found]:
    if "sys" in source.text and "modules" in source.text:
        yield from _in(source, source.tree, "the file")


def _in(source: Source, node: ast.AST, owner: str) -> Iterator[Found]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, Function) else owner
        if isinstance(child, ast.Assign):
            for target in child.targets:
                # In a function, a plain name is most often what was there before, put back.
                is_put_back = isinstance(child.value, ast.Name) and owner != "the file"
                if isinstance(target, ast.Subscript) and is_sys_modules(target.value) and not is_put_back:
                    yield from _left(source, child, target.slice, owner)
        elif isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute) and is_sys_modules(child.func.value):
            if last_name(child.func) == "setdefault" and child.args:
                yield from _left(source, child, child.args[0], owner)
            elif last_name(child.func) == "update" and child.args and isinstance(child.args[0], ast.Dict):
                for key in child.args[0].keys:
                    yield from _left(source, child, key, owner)
        yield from _in(source, child, inside)


def _left(source: Source, node: ast.stmt | ast.expr, key: ast.expr | None, owner: str) -> Iterator[Found]:
    name = text_of(key)
    if name and (chain := source.heaviness.chain(name)):
        yield Found(node, f"a fake of {name!r} is left in sys.modules by {owner}", chain)


RULE = Rule(
    "fake",
    "Whatever is imported after it takes what it needs from the fake, in other files too.",
    "Put it in with monkeypatch.setitem, which takes it out again, or use a stand-in: the fixture heavy_stub.",
    _find,
)
