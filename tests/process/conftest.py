"""Fixtures for the tests that need processes of their own."""

from __future__ import annotations

import shlex
import subprocess
import sysconfig
from typing import TYPE_CHECKING

import pytest

from .packages import CORE, TREE

if TYPE_CHECKING:
    from ..installed import Installed


@pytest.fixture(scope="session")
def tree(extension: Installed) -> Installed:
    """A directory with the installed distribution ``tree`` 1.0, its extension module built."""
    extension.add("tree", "1.0", {**TREE, "tree/_core.c": CORE})
    source = extension.site / "tree" / "_core.c"
    target = source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    include = f"-I{sysconfig.get_path('include')}"
    subprocess.run([*compiler, "-shared", "-fPIC", include, str(source), "-o", str(target)], check=True)
    return extension
