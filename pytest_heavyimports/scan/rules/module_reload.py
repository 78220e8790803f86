"""Heavy modules executed a second time by ``importlib.reload``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...facts.names import is_within
from ...facts.statements import dotted_name, is_sys_modules, last_name, text_of, walk
from .rule import Found, Rule

if TYPE_CHECKING:
    from ..source import Source


def _find(source: Source) -> Iterator[Found]:
    if "reload" not in source.text:
        return
    for node in walk(source.tree):
        if isinstance(node, ast.Call) and node.args and last_name(node.func) == "reload":
            name = _module(source, node.args[0])
            # A module of one's own that imports torch can be reloaded: torch itself is not.
            if any(is_within(name, declared) for declared in source.heaviness.declared):
                yield Found(node, f"{name!r} is reloaded", source.heaviness.chain(name))


def _module(source: Source, node: ast.expr) -> str:
    """The full name of the module that an expression is; empty where the text doesn't tell."""
    if isinstance(node, ast.Subscript) and is_sys_modules(node.value):
        return text_of(node.slice) or ""
    first, _, rest = dotted_name(node).partition(".")
    for site in source.sites:
        for bound, modules in site.names:
            if bound == first:
                is_root = isinstance(site.node, ast.Import) and modules[0].partition(".")[0] == first
                return ".".join(filter(None, (first if is_root else modules[0], rest)))
    return ""


RULE = Rule(
    "reload",
    "A reload initialises the module a second time, which torch and its like don't survive.",
    "To change a module for one test, use monkeypatch.setattr. To run its import again, use a process of its own.",
    _find,
)
