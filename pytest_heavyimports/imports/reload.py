"""``importlib.reload``, patched and put back. Owns ``importlib.reload``."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from types import ModuleType


def patch_reload(on_reload: Callable[[str], bool]) -> Callable[[], None]:
    """
    Ask *on_reload* before each ``importlib.reload`` of a module that is in ``sys.modules``.

    Args:
        on_reload: Called with the module's name. True: the module is given back as it is. False: it is reloaded.
            What it raises goes to the caller of ``reload``.

    Returns:
        A function that puts back what was there. If somebody has patched ``reload`` since and is still at it, theirs
        stays, and what it calls of ours just reloads.
    """
    original = importlib.reload
    asking = True

    @functools.wraps(original)
    def reload(module: ModuleType) -> ModuleType:
        __tracebackhide__ = True
        # Anything else than a loaded module gets the error that it has always got.
        name = getattr(getattr(module, "__spec__", None), "name", None) or getattr(module, "__name__", None)
        is_loaded = isinstance(module, ModuleType) and sys.modules.get(str(name)) is module
        if asking and is_loaded and on_reload(str(name)):
            return module
        return original(module)

    def put_back() -> None:
        nonlocal asking
        asking = False
        if importlib.reload is reload:
            importlib.reload = original

    importlib.reload = reload
    return put_back
