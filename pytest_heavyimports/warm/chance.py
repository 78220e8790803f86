"""Chance is another one in each process: generators that were made, and seeded by chance, before a fork are seeded anew."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from typing import Any
from weakref import ref

FIXED_SEED = 67280421310721
"""What torch began each process with, before it drew a seed as the others do."""


def seed_anew(names: Iterable[str], generators: Iterable[ref[random.Random]]) -> None:
    """
    Seed the generators of these modules, as far as they are known to have one, and those that packages have made.

    Args:
        names: Of modules that this process has got, and has not executed itself.
        generators: Those of packages.
    """
    for generator in generators:
        found = generator()
        if found is not None:
            found.seed()
    for name in {"numpy.random", "torch"}.intersection(names):
        module: Any = sys.modules[name]
        if name == "numpy.random":
            module.seed()
        else:
            generator = getattr(module, "default_generator", None)
            if generator and generator.initial_seed() != FIXED_SEED:
                generator.seed()
