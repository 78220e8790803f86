"""pytest's hooks in a run that a warm process has forked, and where pytest-xdist's workers are forked from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..config.hooks import Hooks
from ..config.options import warm_idle_s
from ..session import begun_session

if TYPE_CHECKING:
    from collections.abc import Callable

    import execnet

    from .run import Run
    from .workers import WorkerSource


class WarmRunHooks(Hooks):
    """In a run of ``heavyimports run``: what pytest can't know in a process that was forked."""

    __name__ = "heavyimports-warm-run"

    def __init__(self, run: Run) -> None:
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


class WarmWorkerHooks(Hooks):
    """Where pytest-xdist starts workers on this machine: they are forked from a warm process."""

    def __init__(self, find: Callable[[], WorkerSource]) -> None:
        self._find = find

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: list[execnet.XSpec]) -> None:
        # Not one of another machine, through another gateway, or with an interpreter that somebody has chosen.
        own = [number for number, spec in enumerate(specs) if spec.popen and not (spec.via or spec.python)]
        command = self._find().command() if own else ""
        for number in own:
            spec = specs[number]
            specs[number] = type(spec)(f"{spec}//python={command}")
            specs[number].id = spec.id
