"""
A plugin of its own, which the command loads by ``-p``: the flag by which a run knows that the doctor is looking.

No run of anybody else pays for it, and pytest's help doesn't have it.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..config.options import is_worker

if TYPE_CHECKING:
    import pytest

FLAG = "--heavy-doctor"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(FLAG, default="", help=argparse.SUPPRESS)


def pytest_configure(config: pytest.Config) -> None:
    # What is known of a run that ends before it has a test, or whose plugin is switched off.
    if not is_worker(config) and (folder := config.option.heavy_doctor):
        file = config.inipath
        known = {"root": str(config.rootpath), "inifile": "" if file is None else str(file), "pid": os.getpid()}
        Path(folder, "run.json").write_text(json.dumps(known), encoding="utf-8")
