"""
Lazy imports of the language, PEP 810, from Python 3.15 on: those that are written, and those that are put off here.

``from torch import Tensor`` is put off by the language. A module itself is put off by :mod:`.deferral`, there too, so
that all versions have it in ``sys.modules`` from the start.

Reference: ``sys.set_lazy_imports_filter`` in Python's documentation.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from .bytecode import WRITTEN_LAZY


def is_offered() -> bool:
    """Whether this Python has lazy imports, and asks a filter about them."""
    return hasattr(sys, "set_lazy_imports_filter")


def puts_off_all() -> bool:
    """Whether this Python puts off each import at the top of a module."""
    python: Any = sys  # typeshed knows of no such functions before 3.15
    return is_offered() and python.get_lazy_imports() == "all"


def put_off_names(is_put_off: Callable[[str, str, Sequence[str]], bool]) -> Callable[[], None]:
    """
    Let some ``from module import name`` at the top of a module wait for the first use of the name.

    What is written as ``lazy``, or is in the ``__lazy_modules__`` of its module, is what it is without us. An import
    in a ``with`` statement, as in ``with pytest.raises(ImportError):``, is done there.

    Args:
        is_put_off: Told who imports, from which module, and which names.

    Returns:
        What puts everything back.
    """
    python: Any = sys  # typeshed knows of no such functions before 3.15
    mode, outer = python.get_lazy_imports(), python.get_lazy_imports_filter()

    def is_lazy(importer: str | None, imported: str, names: tuple[str, ...] | None) -> bool:
        frame = sys._getframe(1)
        is_declared = mode == "all" or is_written_lazy(frame) or imported in frame.f_globals.get("__lazy_modules__", ())
        if is_declared and (outer is None or outer(importer, imported, names)):
            return True
        return bool(names) and not is_in_with(frame) and is_put_off(importer or "", imported, names or ())

    def put_back() -> None:
        python.set_lazy_imports(mode)
        python.set_lazy_imports_filter(outer)

    python.set_lazy_imports_filter(is_lazy)
    python.set_lazy_imports("all")
    return put_back


def is_written_lazy(frame: FrameType) -> bool:
    """Whether the import statement that a frame is at has the word ``lazy``."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return dis.opname[code[at]] == "IMPORT_NAME" and bool(code[at + 1] & WRITTEN_LAZY)


def is_in_with(frame: FrameType) -> bool:
    """Whether an exception would be handled here: of the blocks that do so, Python asks about imports in ``with``."""
    entries: Any = getattr(dis.Bytecode(frame.f_code), "exception_entries", ())
    return any(entry.start <= frame.f_lasti < entry.end for entry in entries)
