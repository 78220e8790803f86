"""Virtual environments of a benchmark: with what it needs, and nothing of the environment that it runs in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
"""What pip is given to install the plugin."""


def create(place: Path, *requirements: str, like: Path | None = None) -> Path:
    """
    Make an environment; gives its interpreter.

    Args:
        place: The folder that it is to be.
        requirements: What pip is given.
        like: The interpreter of an environment of which it has all packages as well, by hard links: torch's files
            need a gigabyte, and a minute, for each copy.

    Raises:
        subprocess.CalledProcessError: It can't be installed; ``stderr`` has pip's words.
    """
    subprocess.run([sys.executable, "-m", "venv", *["--without-pip"] * bool(like), str(place)], check=True)
    python = place / "bin" / "python"
    if like:  # pip comes with them
        shutil.copytree(_packages(like), _packages(python), copy_function=os.link, dirs_exist_ok=True)
    pip = [str(python), "-m", "pip", "install", "-qq", *requirements]
    subprocess.run(pip, check=True, stderr=subprocess.PIPE, text=True)
    return python


def version(python: Path, distribution: str) -> str:
    """The installed version."""
    code = f"import importlib.metadata; print(importlib.metadata.version({distribution!r}))"
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _packages(python: Path) -> Path:
    (packages,) = python.parent.parent.glob("lib/python3.*/site-packages")
    return packages
