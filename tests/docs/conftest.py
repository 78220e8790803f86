"""Fixtures for the tests of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.pytester.forked import ForkedRuns

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def runs() -> Iterator[ForkedRuns]:
    """Starts the runs that read configurations."""
    runs = ForkedRuns()
    yield runs
    runs.close()
