"""What a module's code does at its top level, read from its bytecode, since nothing of it is executed yet."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any

IMPORT_STAR = "IMPORT_STAR"
# What stands between an import and the binding of its result, in one version of Python or another.
_BETWEEN = frozenset(("SWAP", "ROT_TWO", "POP_TOP", "CACHE", "NOP"))
_INTRINSIC_IMPORT_STAR = 2  # the argument of CALL_INTRINSIC_1, from Python 3.12
_IMPORT_FLAGS = 2 if sys.version_info >= (3, 15) else 0
"""How many bits of the argument of IMPORT_NAME are no part of the name's index: whether it is lazy, or eager."""
WRITTEN_LAZY = 1
"""One of them."""
_COMMON: list[object] = getattr(dis, "_common_constants", [])
"""What LOAD_COMMON_CONSTANT gives. Private, of Python's own ``dis``; from Python 3.15 on ``None`` is among it."""


def replaces_itself(code: CodeType | None) -> bool:
    """Whether the code says ``sys.modules[__name__] = …``: nobody is to hold the module itself."""
    if not code or not {"modules", "__name__"} <= {*code.co_names}:
        return False
    said = [(each.opname, each.argval) for each in dis.get_instructions(code) if each.opname not in _BETWEEN]
    return any(
        (first[1], second[1], third[0]) == ("modules", "__name__", "STORE_SUBSCR")
        for first, second, third in zip(said, said[1:], said[2:])
    )


def bindings(code: CodeType | None, package: str) -> Iterator[tuple[str, bool]]:
    """
    Each name that a package's code binds, and whether to something else than its part of that name.

    What ``from module import *`` binds is not known here: it is told as ``*module``.
    """
    if code is None:
        return
    level: Any = 0
    names: Any = None
    module, attribute, is_from, is_imported = "", "", False, False
    for operation, argument in _instructions(code):
        if operation in _CONSTANTS:
            # The last two before an import are its level, the number of dots, and the names after "import".
            level, names = names, _CONSTANTS[operation](code, argument)
        elif operation == "IMPORT_NAME":
            module, attribute, is_imported = (
                _absolute(code.co_names[argument >> _IMPORT_FLAGS], level, package),
                "",
                True,
            )
            is_from = names is not None
        elif operation == "IMPORT_FROM":
            attribute, is_imported = code.co_names[argument], True
        elif operation in ("STORE_NAME", "STORE_GLOBAL"):
            name = code.co_names[argument]
            # "from . import part", "from package import part"; "import package.part as part"
            is_part = module == (package if is_from else f"{package}.{name}")
            yield name, not (is_imported and is_part and attribute == name)
            is_imported = False
        elif operation not in _BETWEEN:
            is_imported = False
            if operation == IMPORT_STAR:
                yield f"*{module}", True


_CONSTANTS: Mapping[str, Callable[[CodeType, int], Any]] = {
    "LOAD_CONST": lambda code, argument: code.co_consts[argument],
    "LOAD_SMALL_INT": lambda _, argument: argument,
    "LOAD_COMMON_CONSTANT": lambda _, argument: _COMMON[argument],
}
"""What each instruction loads that loads a constant, in one version of Python or another."""


def _absolute(module: str, level: int, package: str) -> str:
    """The name of the module that a package imports as *module*, with so many dots before it."""
    if not level:
        return module
    above = package.rsplit(".", level - 1)[0]
    return f"{above}.{module}" if module else above


def _instructions(code: CodeType) -> Iterator[tuple[str, int]]:
    """Operation and argument of each instruction. torch's have 3,000: dis takes ten times as long."""
    extended = 0
    for opcode, byte in zip(code.co_code[::2], code.co_code[1::2]):
        argument = extended | byte
        extended = 0
        operation = dis.opname[opcode]
        if operation == "EXTENDED_ARG":
            extended = argument << 8
        elif operation == "CALL_INTRINSIC_1" and argument == _INTRINSIC_IMPORT_STAR:
            yield IMPORT_STAR, 0
        else:
            yield operation, argument
