"""Heavy modules in pytest suites: imported once, never twice, only when needed, accounted for."""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes longer to import than `heavyimports run` takes for all that it does
if TYPE_CHECKING:
    from typing import Any

    from .errors import (
        CommandRefused,
        CudaMemoryLeaked,
        ForkRefused,
        HalfImported,
        HarmfulImport,
        HeavyImportsError,
        HeavyImportWarning,
        HeavyModuleMissing,
        InvalidDeclaration,
        IsolatedTestDied,
        MessageRefused,
        ModulesDisplaced,
        NotBroughtIn,
        NoWarmProcess,
        ProbeFailed,
        ReimportRefused,
        ReloadRefused,
        StandInRefused,
    )
    from .probe import ImportProbe, ImportTime

__all__ = [
    "CommandRefused",
    "CudaMemoryLeaked",
    "ForkRefused",
    "HalfImported",
    "HarmfulImport",
    "HeavyImportWarning",
    "HeavyImportsError",
    "HeavyModuleMissing",
    "ImportProbe",
    "ImportTime",
    "InvalidDeclaration",
    "IsolatedTestDied",
    "MessageRefused",
    "ModulesDisplaced",
    "NoWarmProcess",
    "NotBroughtIn",
    "ProbeFailed",
    "ReimportRefused",
    "ReloadRefused",
    "StandInRefused",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # At first use, since this file is loaded in every run and most runs raise nothing.
    if name in ("ImportProbe", "ImportTime"):
        from . import probe

        return getattr(probe, name)
    if name in __all__:
        from . import errors

        return getattr(errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
