"""Fixtures for tests of functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ..support.fresh import Fresh


@pytest.fixture(scope="session")
def bare() -> Iterator[Fresh]:
    """An interpreter that has imported nothing, to be forked."""
    with closing(Fresh()) as fresh:
        yield fresh


@pytest.fixture
def fresh(bare: Fresh, tmp_path: Path) -> Callable[..., str]:
    """Runs code in a process that has imported nothing, warnings as errors, and gives what it prints."""

    def run(code: str, *arguments: str, path: tuple[Path, ...] = (), **environment: str) -> str:
        return bare.run(code, arguments, path, tmp_path, **environment)

    return run
