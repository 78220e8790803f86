"""Keys of what the plugin keeps in ``config.stash``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .registry import ModuleRegistry
    from .session import HeavySession

registry_key: pytest.StashKey[ModuleRegistry] = pytest.StashKey()
"""The session's registry of heavy modules, for other plugins too; set when pytest is configured."""

session_key: pytest.StashKey[HeavySession] = pytest.StashKey()

asked_key: pytest.StashKey[frozenset[str]] = pytest.StashKey()
"""Names of the plugins whose ``pytest_heavy_modules`` has been asked."""
