"""
What other finders find is seen, wherever ours is in ``sys.meta_path``. Owns ``_find_spec`` of importlib.

Hooks of typeguard, jaxtyping, ddtrace and pyximport are put first into ``sys.meta_path``, at any moment, and are taken
out by whoever has put them in, by position (``pop(0)``) as well. So our finder stays where it is. Whatever answers
before it does its work: refuses, or gives a loader that changes the code. The answer is judged as if ours had got it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..facts.distributions import is_ours
from .loader import Wrapper, as_import_system

if TYPE_CHECKING:
    from .finder import ProtectedFinder


def stand_behind(finder: ProtectedFinder) -> Callable[[], None]:
    """
    Hand *finder* what others have answered to an import or a reload before it was asked.

    Returns:
        A function that puts back what was there. If somebody has patched it since, theirs stays, and ours does nothing.
    """
    _bootstrap: Any = importlib._bootstrap  # no public door sees every import
    original = getattr(_bootstrap, "_find_spec", None)
    if original is None:
        return lambda: None  # another Python: the finder sees what it is asked for
    is_open = True

    @as_import_system
    def _find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        __tracebackhide__ = True
        spec: ModuleSpec | None = original(name, path, target)
        if spec is None or not is_open or isinstance(spec.loader, Wrapper) or answers_itself(finder):
            return spec
        if spec is getattr(sys.modules.get(name), "__spec__", None):
            return spec  # it was imported on the way
        return finder.after(spec, name, path, target)

    def put_back() -> None:
        nonlocal is_open
        is_open = False
        if _bootstrap._find_spec is _find_spec:
            _bootstrap._find_spec = original

    _bootstrap._find_spec = _find_spec
    return put_back


def answers_itself(finder: object) -> bool:
    """Whether a finder is asked before all that aren't of this package, or a later session's is, which answers."""
    for other in sys.meta_path:
        if other is finder:
            return True
        if not is_ours(other):
            break
    latest = next((other for other in sys.meta_path if isinstance(other, type(finder))), finder)
    return latest is not finder
