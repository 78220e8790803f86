"""The one meta path finder: first in ``sys.meta_path``, it leaves the finding to the others."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

from .loader import WatchedLoader, spec_giving_back


class ProtectedFinder:
    """Sees reloads, however ``reload`` was bound, and the outermost import of anything protected."""

    def __init__(
        self,
        *,
        is_protected: Callable[[str], bool],
        on_reload: Callable[[str], bool],
        on_import: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        self._is_protected = is_protected
        self._on_reload = on_reload
        self._on_import = on_import
        self._importing = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """
        Reference: "The meta path" in Python's language reference.

        ``importlib.reload`` alone passes a *target*: the module to be reloaded.
        """
        __tracebackhide__ = True
        if target is not None and sys.modules.get(fullname) is target and self._on_reload(fullname):
            return spec_giving_back(target)
        if getattr(self._importing, "now", False) or not self._is_protected(fullname):
            return None
        spec = self._ask_others(fullname, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = WatchedLoader(spec.loader, self._outermost)  # type: ignore[assignment]  # a duck
        return spec

    def _ask_others(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self and (spec := finder.find_spec(fullname, path, target)) is not None:
                return spec
        return None

    @contextmanager
    def _outermost(self, fullname: str) -> Iterator[None]:
        # A spec that was found outside can be executed inside another import: that one is the outermost.
        if getattr(self._importing, "now", False):
            yield
            return
        self._importing.now = True
        try:
            with self._on_import(fullname):
                yield
        finally:
            self._importing.now = False
