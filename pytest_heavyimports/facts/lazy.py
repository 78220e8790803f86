"""What stands in a module for a name that is imported lazily, Python 3.15, PEP 810."""

from __future__ import annotations

import sys
import types
from typing import Any

LAZY: Any = getattr(types, "LazyImportType", ())
"""The type of what stands for a name that is not resolved yet; for ``isinstance``."""


def target_of(lazy: object) -> str:
    """``"torch"`` for ``lazy import torch``, ``"torch.nn"`` for ``lazy from torch import nn``; its repr alone tells."""
    return repr(lazy).partition("'")[2].rpartition("'")[0]


def keep_eager(package: str) -> None:
    """
    Have Python put off no import that stands in a package, where it puts off all (``-X lazy_imports=all``).

    A finder that did its own imports when it is first asked would ask itself. It stays so until the process ends.
    """
    python: Any = sys  # typeshed knows of no such functions before 3.15
    outer = python.get_lazy_imports_filter()

    def is_lazy(importer: str | None, imported: str, names: tuple[str, ...] | None) -> bool:
        return not f"{importer}.".startswith(f"{package}.") and (outer is None or outer(importer, imported, names))

    python.set_lazy_imports_filter(is_lazy)
