"""Opens and closes the doors into the import system. Owns ``sys.meta_path``. What a session needs is loaded then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .deferral import Deferral
    from .finder import Judge
    from .keeper import Keeper
    from .measuring import Measurer
    from .stubs import StandInFinder


def install(judge: Judge, keeper: Keeper) -> ExitStack:
    """
    Watch imports and reloads until the returned handle is closed.

    Args:
        judge: Decides; see :class:`.finder.Judge`.
        keeper: Keeps what is imported, and gives it back.

    Returns:
        A context manager; ``close()`` undoes everything, and closing twice is harmless.
    """
    from .finder import ProtectedFinder
    from .finding import stand_behind
    from .reload import patch_reload

    finder = ProtectedFinder(judge, keeper)
    handle = ExitStack()
    sys.meta_path.insert(0, finder)
    handle.callback(_remove, finder)
    handle.callback(stand_behind(finder))
    handle.callback(patch_reload(judge.on_reload))
    return handle


def install_deferral(deferral: Deferral, keeping: Judge | None, keeper: Keeper) -> ExitStack:
    """Defer imports until the returned handle is closed; where there is no guard, *keeping* has them kept."""
    from . import lazy_names
    from .finder import ProtectedFinder
    from .finding import stand_behind

    handle = ExitStack()
    if keeping:
        finder = ProtectedFinder(keeping, keeper)
        sys.meta_path.insert(0, finder)
        handle.callback(_remove, finder)
        handle.callback(stand_behind(finder))
    # Before the guard's finder: what is put off is nothing to the guard yet.
    sys.meta_path.insert(0, deferral)
    handle.callback(deferral.close)
    handle.callback(_remove, deferral)
    if lazy_names.is_offered():
        handle.callback(lazy_names.put_off_names(deferral.puts_off_names))
    return handle


def install_stand_ins(finder: StandInFinder) -> ExitStack:
    """Find stand-ins, before anybody else finds the real modules, until the returned handle is closed."""
    handle = ExitStack()
    sys.meta_path.insert(0, finder)
    handle.callback(_remove, finder)
    return handle


def install_measuring(measurer: Measurer) -> ExitStack:
    """
    Measure every import until the returned handle is closed.

    To be called before the others here: their finders ask this one, which would ask them.
    """
    from .measuring import MeasuringFinder

    finder = MeasuringFinder(measurer)
    handle = ExitStack()
    sys.meta_path.insert(0, finder)
    handle.callback(_remove, finder)
    handle.callback(measurer.close)
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


def _remove(finder: object) -> None:
    # By identity, and in place: others may have put finders before ours, or replaced the list by a copy.
    sys.meta_path[:] = [other for other in sys.meta_path if other is not finder]
