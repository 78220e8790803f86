"""Heavy modules in pytest suites: imported once, never twice, only when needed, accounted for."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing takes longer to import than `heavyimports run` takes for all that it does
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
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
    from .probe.probe import ImportProbe, ImportTime

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


class _Unrewritten:
    """
    The finder for the modules of this package, in ``sys.meta_path`` for as long as they are imported inside of it.

    Otherwise pytest's assertion rewriting, which has nothing to rewrite in them, would find them, and read each item of
    their bytecode by a call of its own (``marshal.load`` from a file): half of what the plugin costs a run that doesn't
    use it.
    """

    def __enter__(self) -> None:
        sys.meta_path.insert(0, self)

    def __exit__(self, *_: object) -> None:
        sys.meta_path.remove(self)

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, _: object = None) -> ModuleSpec | None:
        """The spec that Python's own path finder gives."""
        if not fullname.startswith(f"{__name__}."):
            return None
        from importlib.machinery import PathFinder  # `heavyimports run` needs none

        return PathFinder.find_spec(fullname, path)


unrewritten = _Unrewritten()
"""
To be entered around imports of our own modules, where pytest rewrites those of plugins.

Before the first test alone: a thread that looks for a module while a finder is taken away may miss another one.
"""


def __getattr__(name: str) -> Any:
    # At first use, since this file is loaded in every run and most runs raise nothing.
    if name in ("ImportProbe", "ImportTime"):
        from .probe import probe  # as above

        return getattr(probe, name)
    if name in __all__:
        from . import errors  # as above

        return getattr(errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if getattr(sys, "get_lazy_imports", str)() == "all":  # Python 3.15
    from .facts.lazy import keep_eager

    keep_eager(__name__)
