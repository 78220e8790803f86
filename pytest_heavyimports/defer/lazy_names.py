"""
``from torch import Tensor`` put off by the language, where it can do that: from Python 3.15, PEP 810.

Not tried on a real Python 3.15 yet: the tests have a fake of its functions. A module itself is put off by
:mod:`.deferral`, there too, so that all versions have it in ``sys.modules`` from the start.

Reference: ``sys.set_lazy_imports_filter`` in Python's documentation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def is_offered() -> bool:
    """Whether this Python has lazy imports, and asks a filter about them."""
    return hasattr(sys, "set_lazy_imports_filter")


def put_off_names(is_put_off: Callable[[str, str], bool]) -> Callable[[], None]:
    """
    Let some ``from module import name`` at the top of a module wait for the first use of the name.

    ``lazy`` imports that are written as such come to the same filter, which can't tell them from others: while it is
    in place they are done at once.

    Args:
        is_put_off: Told who imports, and what.

    Returns:
        What puts everything back.
    """
    python: Any = sys  # typeshed knows of no such functions before 3.15
    mode, outer = python.get_lazy_imports(), python.get_lazy_imports_filter()

    def is_lazy(importer: str | None, imported: str, names: tuple[str, ...] | None) -> bool:
        if names and is_put_off(importer or "", imported):
            return True
        return mode == "all" and (outer is None or bool(outer(importer, imported, names)))

    def put_back() -> None:
        python.set_lazy_imports(mode)
        python.set_lazy_imports_filter(outer)

    python.set_lazy_imports_filter(is_lazy)
    python.set_lazy_imports("all")
    return put_back
