"""
Who asks for a blocked module (``sys.modules[name] = None``) while a block of code runs.

Owns ``importlib._bootstrap._find_and_load``: a blocked module is asked of no finder, and every import ends there.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..names import lineage
from ..places import is_plumbing
from .loader import as_import_system

_bootstrap: Any = importlib._bootstrap  # type: ignore[attr-defined]


def blocked() -> frozenset[str]:
    """The names in ``sys.modules`` that have ``None`` in their place."""
    return frozenset(name for name, module in sys.modules.copy().items() if module is None)


@contextmanager
def watch_askers(names: Collection[str]) -> Iterator[dict[str, str]]:
    """
    Note who asks for blocked modules, in this thread.

    Args:
        names: The blocked modules.

    Yields:
        A module that has asked for each, by the name of the blocked one; filled in meanwhile.
    """
    askers: dict[str, str] = {}
    original: Callable[..., Any] | None = getattr(_bootstrap, "_find_and_load", None)
    if not names or original is None:
        yield askers
        return
    thread = threading.get_ident()

    @as_import_system
    def find_and_load(name: str, import_: Any) -> Any:
        if thread == threading.get_ident():
            asked = next((each for each in lineage(name) if each in names), "")
            if asked and sys.modules.get(asked, askers) is None:  # it may be there by now
                askers.setdefault(asked, _asker(sys._getframe(1)))
        return original(name, import_)

    _bootstrap._find_and_load = find_and_load
    try:
        yield askers
    finally:
        if _bootstrap._find_and_load is find_and_load:
            _bootstrap._find_and_load = original


def _asker(frame: FrameType | None) -> str:
    """The module whose statement is the innermost that isn't the import system's."""
    while frame and is_plumbing(frame.f_code.co_filename):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "")) if frame else ""
