"""The command ``heavyimports``, run in a process of its own, as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Done(NamedTuple):
    """What a command came to."""

    status: int
    out: list[str]
    err: list[str]


def heavyimports(directory: Path, *arguments: str, **environment: str) -> Done:
    """Run it in a directory."""
    child = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest_heavyimports", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert "Traceback" not in child.stderr, child.stderr
    return Done(child.returncode, child.stdout.splitlines(), child.stderr.splitlines())
