"""Fixtures for the tests that need processes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.compiling import build_extension
from .packages import CORE, TREE

if TYPE_CHECKING:
    from ..support.installed import Installed


@pytest.fixture(scope="session")
def tree(extension: Installed) -> Installed:
    """A directory with the installed distribution ``tree`` 1.0, its extension module built."""
    extension.add("tree", "1.0", {**TREE, "tree/_core.c": CORE})
    build_extension(extension.site / "tree" / "_core.c")
    return extension
