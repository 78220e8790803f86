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

# Shown to users by the name that they import and filter warnings by.
for _name in __all__:
    globals()[_name].__module__ = __name__

__version__ = "0.1.0"
