"""
Who asks a deferred module something and is no user of it: a tool, or a loop, that looks at all modules there are.

To execute torch for them would be slow, in a test that freezes the time harmful, and would break a loop over
``sys.modules``. They see what the module has before it is executed.
"""

from __future__ import annotations

import dis
import gc
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FrameType, ModuleType
from typing import Any

from ..facts.names import lineage, root

TOOLS = frozenset(
    (
        "IPython _pydevd_bundle bdb coverage freezegun jedi linecache pdb pydevd rlcompleter time_machine traceback "
        "typeguard unittest.case warnings"
    ).split()
)
"""Modules and packages that look at every module, or complete names for people."""

_VIEWS: tuple[Any, ...] = ({}, {}.values(), {}.items())
_ITERATORS = frozenset(map(type, [*map(iter, _VIEWS), *map(reversed, _VIEWS)]))
"""Of dictionaries."""
_GLOBALS = frozenset(("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_CLASSDEREF"))
_LOCALS = ("LOAD_NAME", "LOAD_FAST")  # and what begins so: LOAD_FAST_LOAD_FAST, of two names, from Python 3.13
_STORES = ("STORE_NAME", "STORE_FAST", "STORE_GLOBAL", "STORE_DEREF")


def is_onlooker(asker: FrameType, fullname: str) -> bool:
    """
    Whether what a frame asks of a module is no use of it.

    A known tool is an onlooker, and so is everybody while something iterates over ``sys.modules`` itself, which the
    import of a package would break; but not who names the module, ``np.ones``, by what an import or a global has bound.
    A loop over a copy loads what it asks: that is slow, and never wrong.
    """
    if _is_named(asker, root(fullname)):
        return False
    return any(name in TOOLS for name in lineage(str(asker.f_globals.get("__name__")))) or _is_anything_iterating()


def _is_anything_iterating() -> bool:
    # The youngest objects first: the iterator of a loop that asks many modules is among them.
    for generation in range(len(gc.get_threshold())):
        iterators = [each for each in gc.get_objects(generation) if type(each) in _ITERATORS]
        if any(each is sys.modules for each in gc.get_referents(*iterators)):
            return True
    return False


def _is_named(asker: FrameType, package: str) -> bool:
    """Whether the expression that asks has a global that is the package, or a name that an import has bound here."""
    bound = set(_bound_by_imports(asker.f_code))
    for each in _expression(asker):
        if each.opname.startswith(_LOCALS) and not bound.isdisjoint(_names(each)):
            return True
        is_global = each.opname in _GLOBALS or (each.opname == "LOAD_NAME" and each.argval not in asker.f_locals)
        if is_global and root(_module_name(_value(asker, each.argval))) == package:
            return True
    return False


def _value(frame: FrameType, name: str) -> Any:
    return frame.f_locals.get(name) if name in frame.f_code.co_freevars else frame.f_globals.get(name)


def _module_name(value: Any) -> str:
    return str(vars(value).get("__name__")) if isinstance(value, ModuleType) else ""


def _expression(frame: FrameType) -> Iterable[dis.Instruction]:
    """The instructions of the expression that a frame evaluates; before Python 3.11, of its line."""
    instructions = list(dis.get_instructions(frame.f_code))
    if sys.version_info < (3, 11):
        return _of_line(instructions, frame.f_lineno)
    now: Any = next((each.positions for each in instructions if each.offset == frame.f_lasti), None)
    begin, end = _span(now)
    if None in (*begin, *end):  # python -X no_debug_ranges
        return [each for each in instructions if each.positions and each.positions.lineno == frame.f_lineno]
    spans = [(each, *_span(each.positions)) for each in instructions]
    return [each for each, first, last in spans if None not in (*first, *last) and begin <= first and last <= end]


def _span(at: Any) -> tuple[Any, Any]:
    """Line and column of the beginning and the end."""
    return ((at.lineno, at.col_offset), (at.end_lineno, at.end_col_offset)) if at else ((None, None), (None, None))


def _of_line(instructions: Iterable[dis.Instruction], wanted: int) -> Iterator[dis.Instruction]:
    line: int | None = None
    for each in instructions:
        line = each.starts_line or line
        if line == wanted:
            yield each


def _bound_by_imports(code: CodeType) -> Iterator[str]:
    """The names that import statements of this code bind."""
    is_imported = False
    for each in dis.get_instructions(code):
        if each.opname in ("IMPORT_NAME", "IMPORT_FROM"):
            is_imported = True
        elif each.opname.startswith(_STORES):
            if is_imported:
                yield _names(each)[0]
            is_imported = False


def _names(instruction: dis.Instruction) -> tuple[str, ...]:
    found: str | tuple[str, ...] = instruction.argval
    return found if isinstance(found, tuple) else (found,)
