"""Heavy modules in pytest suites: imported once, never twice, only when needed, accounted for."""

from __future__ import annotations

from .errors import (
    HalfImported,
    HeavyImportsError,
    HeavyImportWarning,
    HeavyModuleMissing,
    InvalidDeclaration,
    ModulesDisplaced,
    ReimportRefused,
    ReloadRefused,
)

__all__ = [
    "HalfImported",
    "HeavyImportWarning",
    "HeavyImportsError",
    "HeavyModuleMissing",
    "InvalidDeclaration",
    "ModulesDisplaced",
    "ReimportRefused",
    "ReloadRefused",
]

# Shown to users by the name that they import and filter warnings by.
for _name in __all__:
    globals()[_name].__module__ = __name__

__version__ = "0.1.0"
