"""Keys of what the plugin keeps in ``config.stash``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .session import HeavySession

session_key: pytest.StashKey[HeavySession] = pytest.StashKey()
"""The session, its registry with it; set when anything is declared or guarded, or a fixture asks for a module."""

asked_key: pytest.StashKey[frozenset[str]] = pytest.StashKey()
"""Names of the plugins whose ``pytest_heavy_modules`` has been asked."""
