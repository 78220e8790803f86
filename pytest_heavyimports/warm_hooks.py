"""pytest's hooks in a run that a warm process has forked, and where xdist's workers are forked from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .warm.run import Run


class RunHooks:
    """In a run of ``heavyimports run``: what pytest can't know of a process that was forked."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        parser.prog = "pytest"  # not "pytest.main()"
