"""Fixtures for the tests beside other plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import Guarded

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite


@pytest.fixture
def guarded(suite: Suite, installed: Installed) -> Guarded:
    """A suite with the guard on, where ``plainpkg`` is declared."""
    return Guarded(suite, installed)
