"""Hooks that conftest files and other plugins may implement."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


@pytest.hookspec
def pytest_heavy_modules(config: pytest.Config) -> Iterable[str]:  # type: ignore[empty-body]  # a specification
    """
    Declare more heavy modules: lines in the grammar of the ini key ``heavy_modules``.

    Called once, when pytest has been configured and before anything is collected, so a ``conftest.py`` that is to be
    asked must be one that pytest reads at start-up: that of the root directory, or of a path on the command line.
    """
