"""What stands in a module for a name that is imported lazily, Python 3.15, PEP 810."""

from __future__ import annotations

import types
from typing import Any

LAZY: Any = getattr(types, "LazyImportType", ())
"""The type of what stands for a name that is not resolved yet; for ``isinstance``."""


def target_of(lazy: object) -> str:
    """``"torch"`` for ``lazy import torch``, ``"torch.nn"`` for ``lazy from torch import nn``; its repr alone tells."""
    return repr(lazy).partition("'")[2].rpartition("'")[0]
