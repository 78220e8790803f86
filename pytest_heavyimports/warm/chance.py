"""Chance is another one in each process: generators that were seeded by chance before a fork are seeded anew."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from typing import Any
from weakref import ref

FIXED_SEED = 67280421310721
"""What torch began each process with, before it drew a seed as the others do."""


def states(known: Iterable[str] | None = None) -> dict[str, Any]:
    """
    In which states the generators are that libraries share.

    Args:
        known: The modules to ask; all if it is ``None``.
    """
    found: dict[str, Any] = {"random": random.getstate()}
    names = sys.modules if known is None else known
    numpy: Any = sys.modules.get("numpy.random") if "numpy.random" in names else None
    if hasattr(numpy, "get_state"):
        kind, keys, *rest = numpy.get_state()
        found["numpy"] = (kind, keys.tobytes(), *rest)
    torch: Any = getattr(sys.modules.get("torch"), "default_generator", None) if "torch" in names else None
    if hasattr(torch, "initial_seed"):
        found["torch"] = torch.initial_seed()
    return found


def seed_anew(names: Iterable[str], generators: Iterable[ref[random.Random]] = ()) -> None:
    """
    Seed the generators of these modules, as far as they are known to have one, and those that packages have made.

    Args:
        names: Of modules that this process has got, and has not executed itself.
        generators: Those of packages.
    """
    for reference in generators:
        own = reference()
        if own is not None:
            own.seed()
    for name in {"numpy.random", "torch"}.intersection(names):
        module: Any = sys.modules[name]
        if name == "numpy.random":
            module.seed()
        else:
            generator = getattr(module, "default_generator", None)
            if generator and generator.initial_seed() != FIXED_SEED:
                generator.seed()
