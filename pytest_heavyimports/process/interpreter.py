"""How another interpreter is started as this one was."""

from __future__ import annotations

import subprocess
import sys


def interpreter_flags() -> list[str]:
    """The flags that this interpreter was started with, as far as they hold for another program, ``-W`` and ``-X``."""
    # Private, and what multiprocessing starts its children with. It knows some of the -X options only.
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    options = sys._xoptions.items()
    return [*flags, *(f"-X{name}" if value is True else f"-X{name}={value}" for name, value in options)]
