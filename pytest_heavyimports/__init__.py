"""Heavy modules in pytest suites: imported once, never twice, only when needed, accounted for."""

from __future__ import annotations

from .errors import (
    HeavyImportsError,
    HeavyImportWarning,
    HeavyModuleMissing,
    InvalidDeclaration,
    ReloadRefused,
)

__all__ = [
    "HeavyImportWarning",
    "HeavyImportsError",
    "HeavyModuleMissing",
    "InvalidDeclaration",
    "ReloadRefused",
]

__version__ = "0.1.0"
