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

from ..facts.names import lineage
from ..facts.places import is_plumbing
from .loader import as_import_system

_bootstrap: Any = importlib._bootstrap
_find_and_load: Callable[..., Any] | None = getattr(_bootstrap, "_find_and_load", None)  # else nobody is seen asking

Askers = dict[str, list[str]]
"""The modules that have asked for each blocked one, by its name."""


class _Watcher:
    """One who watches, in a thread of his."""

    def __init__(self, names: Collection[str]) -> None:
        self.askers: Askers = {}
        self._names = names
        self._thread = threading.get_ident()

    def asked(self, fullname: str, frame: FrameType) -> None:
        """Somebody asks for a module, where the frame is."""
        for name in lineage(fullname) if self._thread == threading.get_ident() else ():
            if name in self._names and sys.modules.get(name, self) is None:  # it may be there by now
                self.askers.setdefault(name, []).append(_asker(frame))


_watchers: list[_Watcher] = []


def blocked() -> frozenset[str]:
    """The names in ``sys.modules`` that have ``None`` in their place."""
    return frozenset(name for name, module in sys.modules.copy().items() if module is None)


@contextmanager
def watch_askers(names: Collection[str]) -> Iterator[Askers]:
    """Note who asks for these blocked modules in this thread; what is yielded is filled in meanwhile."""
    watcher = _Watcher(names)
    if not names or _find_and_load is None:
        yield watcher.askers
        return
    _watchers.append(watcher)
    if _bootstrap._find_and_load is _find_and_load:
        _bootstrap._find_and_load = _watched
    try:
        yield watcher.askers
    finally:
        _watchers.remove(watcher)
        if not _watchers and _bootstrap._find_and_load is _watched:
            _bootstrap._find_and_load = _find_and_load


@as_import_system
def _watched(name: str, import_: Any) -> Any:
    for watcher in list(_watchers):
        watcher.asked(name, sys._getframe(1))
    assert _find_and_load is not None  # or this would not be in its place
    return _find_and_load(name, import_)


def _asker(frame: FrameType | None) -> str:
    """The module whose statement is the innermost that isn't the import system's."""
    while frame and is_plumbing(frame.f_code.co_filename):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "")) if frame else ""
