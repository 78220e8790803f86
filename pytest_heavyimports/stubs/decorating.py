"""Whether a call is that of a decorator, and whether the decorated function is to do what it does undecorated."""

from __future__ import annotations

import ast
import linecache
import types
from functools import lru_cache
from types import FrameType
from typing import Any

# A function that goes in and another one comes out, with other values: to give it back would be a lie.
TRANSFORMING = frozenset(
    (
        "autotune grad grad_and_value hessian heuristics jacfwd jacrev jvp linearize pmap triton.jit value_and_grad "
        "vjp vmap"
    ).split()
)

# What decorators add to a function, for others to be put on them: @double.register_fake.
_OF_OPERATORS = (
    "register_autocast register_autograd register_fake register_kernel register_torch_dispatch register_vmap"
)
ADDED = {
    "custom_op": _OF_OPERATORS,
    "triton_op": _OF_OPERATORS,
    "custom_jvp": "defjvp defjvps",
    "custom_vjp": "defvjp",
    "custom_vmap": "def_vmap",
}


def is_transforming(shown: str) -> bool:
    """Whether what is called by this expression, or was given by that call, makes another function of one."""
    called = _called(shown)
    return called in TRANSFORMING or called.rpartition(".")[2] in TRANSFORMING


def decorated(function: Any, given: Any, shown: str) -> Any:
    """The function, with what its decorator would add to it: attributes of what the call of that gave."""
    for name in ADDED.get(_called(shown).rpartition(".")[2], "").split():
        setattr(function, name, getattr(given, name))
    return function


def _called(shown: str) -> str:
    return shown.rpartition("(")[0] if shown.endswith(")") else shown


def is_function(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a function, a method or a class is all that a call gives."""
    return len(args) == 1 and not kwargs and isinstance(args[0], (types.FunctionType, types.MethodType, type))


def is_decorating(args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType) -> bool:
    """Whether a call is that of a decorator: on a line where one is written, or, with no source, by its argument."""
    if len(args) != 1 or kwargs or not (callable(args[0]) or hasattr(args[0], "__func__")):
        return False
    lines = _decorator_lines(frame.f_code.co_filename)
    return is_function(args, kwargs) if lines is None else frame.f_lineno in lines


@lru_cache(maxsize=256)
def _decorator_lines(file: str) -> frozenset[int] | None:
    """The lines of a file where decorators are written; ``None`` where there is no source."""
    try:
        tree = ast.parse("" if file[:1] == "<" else "".join(linecache.getlines(file)))
    except SyntaxError:
        return None
    lines: set[int] = set()
    for node in ast.walk(tree):
        for each in getattr(node, "decorator_list", ()):
            lines.update(range(each.lineno, each.end_lineno + 1))
            lines.add(node.lineno)  # type: ignore[attr-defined]  # a definition; Python 3.10 takes its line for the call's
    return frozenset(lines) if tree.body else None
