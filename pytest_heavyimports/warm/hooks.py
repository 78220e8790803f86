"""pytest's hooks in a run that a warm process has forked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from ..config.options import warm_idle_s
from ..session import begun_session

if TYPE_CHECKING:
    from typing import Protocol

    from .preload import Preload

    class ToldRun(Protocol):
        """``run.Run``, as far as these hooks tell it something."""

        preload: Preload

        def tell_settings(self, idle_s: int, modules: list[str]) -> None:
            """What the configuration says."""


class WarmRunHooks(Hooks):
    """In a run of ``heavyimports run``: what pytest can't know in a process that was forked."""

    __name__ = "heavyimports-warm-run"

    def __init__(self, run: ToldRun) -> None:
        self._run = run

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        parser.prog = "pytest"  # as it calls itself on the command line

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        pytest.register_assert_rewrite(*self._run.preload.rewritten)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        if session := begun_session(config):
            self._run.tell_settings(warm_idle_s(config), list(session.packages))

    # Before the first test, which can't be made undone.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self) -> None:
        self._run.preload.begin_tests()
