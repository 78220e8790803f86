"""Processes forked where CUDA is in use."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...facts.statements import dotted_name, last_name, text_of, walk
from .rule import Found, Rule

if TYPE_CHECKING:
    from ..source import Source

_START_METHODS = ("set_start_method", "get_context")


def _find(source: Source) -> Iterator[Found]:
    if "fork" not in source.text or "cuda" not in source.text or not source.heavy_sites:
        return
    if not any(_is_cuda(node) for node in walk(source.tree)):
        return
    for node in walk(source.tree):
        if isinstance(node, ast.Call) and _is_fork(node):
            yield Found(node, "a process is forked in a file that uses CUDA", source.heavy_sites[0].chain)


def _is_cuda(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "cuda") or (text_of(node) or "").partition(":")[
        0
    ] == "cuda"


def _is_fork(node: ast.Call) -> bool:
    if dotted_name(node.func) in ("os.fork", "os.forkpty"):
        return True
    arguments = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "method")]
    return last_name(node.func) in _START_METHODS and any(text_of(each) == "fork" for each in arguments)


RULE = Rule(
    "cuda-fork",
    "CUDA can't be used in a process that was forked after it was initialised.",
    'Use multiprocessing.get_context("spawn"), or "forkserver", which Python 3.14 uses by itself.',
    _find,
)
