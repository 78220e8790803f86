"""How our own modules are loaded while pytest rewrites those of plugins."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class OwnModules:
    """
    The finder for the modules of this package, in ``sys.meta_path`` for as long as they are imported here.

    Otherwise pytest's assertion rewriting, which has nothing to rewrite in them, would find them, and read each item of
    their bytecode by a call of its own (``marshal.load`` from a file): half of what the plugin costs a run that doesn't
    use it.
    """

    @staticmethod
    def find_spec(
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG004  # importlib's protocol
    ) -> ModuleSpec | None:
        """The spec that Python's own path finder gives."""
        return PathFinder.find_spec(fullname, path) if fullname.startswith(f"{__package__}.") else None


@contextmanager
def unrewritten() -> Iterator[None]:
    """Around imports of our own modules."""
    sys.meta_path.insert(0, OwnModules)
    try:
        yield
    finally:
        sys.meta_path.remove(OwnModules)
