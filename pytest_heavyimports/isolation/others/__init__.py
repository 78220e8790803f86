"""
What other plugins keep for the session, taken from the process of an isolated test to the one that runs pytest.

Each file is about one plugin; where it has hooks, they are those that any plugin may implement.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def take_over_from_others(config: pytest.Config) -> None:
    """Register what is known of the plugins of this run, in either process, once collection can begin."""
    from . import benchmark, inline_snapshot, syrupy, testmon

    for each in (benchmark, inline_snapshot, syrupy, testmon):
        if each.MODULE in sys.modules and each.is_used(config):
            config.pluginmanager.register(each.Keeper(config), f"heavyimports-{each.MODULE}")
