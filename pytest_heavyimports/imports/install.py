"""Opens and closes the doors into the import system. Owns ``sys.meta_path``. What a session needs is loaded then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
from typing import TYPE_CHECKING

from .finder import ProtectedFinder
from .finding import stand_behind
from .reload import patch_reload

if TYPE_CHECKING:
    from .finder import Judge
    from .keeper import Keeper


def put_first(finder: object) -> ExitStack:
    """Have a finder be asked before all others that are there now, until the returned handle is closed."""
    handle = ExitStack()
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]  # a duck
    handle.callback(_remove, finder)
    return handle


def _remove(finder: object) -> None:
    # By identity, and in place: others may have put finders before ours, or replaced the list by a copy.
    sys.meta_path[:] = [other for other in sys.meta_path if other is not finder]


def install(judge: Judge, keeper: Keeper) -> ExitStack:
    """
    Watch imports and reloads until the returned handle is closed.

    Args:
        judge: Decides; see :class:`.finder.Judge`.
        keeper: Keeps what is imported, and gives it back.

    Returns:
        A context manager; ``close()`` undoes everything, and closing twice is harmless.
    """
    finder = ProtectedFinder(judge, keeper)
    handle = put_first(finder)
    handle.callback(stand_behind(finder))
    handle.callback(patch_reload(judge.on_reload))
    return handle


@contextmanager
def importable() -> Iterator[None]:
    """Modules can be imported inside, even where a test has cleared ``sys.meta_path`` and has left it so."""
    left = sys.meta_path
    if PathFinder in left:
        yield
        return
    sys.meta_path = [*left, BuiltinImporter, FrozenImporter, PathFinder]
    try:
        yield
    finally:
        sys.meta_path = left
