"""Opens and closes the doors into the import system. Owns ``sys.meta_path``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from .finder import ProtectedFinder
from .reload import patch_reload


def install(
    *,
    is_protected: Callable[[str], bool],
    on_reload: Callable[[str], bool],
    on_import: Callable[[str], AbstractContextManager[object]],
) -> ExitStack:
    """
    Watch imports and reloads until the returned handle is closed.

    Args:
        is_protected: Whether the import of a module is to be watched.
        on_reload: As in :func:`.reload.patch_reload`; called for reloads by an early-bound ``reload`` too.
        on_import: Called with the name of a protected module that is about to be executed, unless a protected import
            is under way in the same thread; entered while it is executed.

    Returns:
        A context manager; ``close()`` undoes everything, and closing twice is harmless.
    """
    finder = ProtectedFinder(is_protected=is_protected, on_reload=on_reload, on_import=on_import)
    handle = ExitStack()
    sys.meta_path.insert(0, finder)
    handle.callback(_remove, finder)
    handle.callback(patch_reload(on_reload))
    return handle


def _remove(finder: ProtectedFinder) -> None:
    # By identity, and in place: others may have put finders before ours, or replaced the list by a copy.
    sys.meta_path[:] = [other for other in sys.meta_path if other is not finder]
