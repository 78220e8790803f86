"""Registered where the runs of ``pytester`` are forked."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Generator
from typing import Any

import pytest

from ..config.hooks import Hooks
from ..config.options import settings_of
from ..errors import HeavyImportWarning
from ..session import begun_session
from .forked import CannotFork, ForkedRuns, needs_interpreter

_PLAIN_ARGUMENTS = {"timeout", "syspathinsert"}
"""Arguments of ``runpytest()`` that don't ask for a run in this process."""


CLOSED = pytest.Pytester.CLOSE_STDIN
"""pytester's default: an empty standard input."""


def attach(config: pytest.Config) -> None:
    """Have the runs of ``pytester`` forked."""
    settings, session = settings_of(config), begun_session(config)
    preload = tuple(session.installed_modules()) if session and settings.preload else ()
    hooks = PytesterHooks(is_all=settings.runpytest == "fork-all", preload=preload)
    config.pluginmanager.register(hooks, "heavyimports-pytester")


class PytesterHooks(Hooks):
    """Makes each ``pytester`` one that forks."""

    def __init__(self, *, is_all: bool, preload: tuple[str, ...]) -> None:
        self._is_all = is_all
        self._runs = ForkedRuns(preload)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        value = yield
        if fixturedef.argname == "pytester" and isinstance(value, pytest.Pytester):
            fork_runs(value, self._runs, is_all=self._is_all)
        return value

    def pytest_unconfigure(self) -> None:
        self._runs.close()


def fork_runs(pytester: pytest.Pytester, runs: ForkedRuns, *, is_all: bool = False) -> None:
    """
    Let a ``pytester`` fork what it would start an interpreter for.

    Args:
        pytester: For as long as it lives.
        runs: Starts the runs.
        is_all: Whether ``runpytest_subprocess()`` forks as well as ``runpytest()`` does.
    """
    start, run_in_subprocess = pytester.popen, pytester.runpytest_subprocess
    is_forking = is_all

    def popen(
        cmdargs: Any, stdout: Any = subprocess.PIPE, stderr: Any = subprocess.PIPE, stdin: Any = CLOSED, **kw: Any
    ) -> Any:
        nonlocal is_forking
        command = [os.fsdecode(argument) for argument in cmdargs]
        has_files = hasattr(stdout, "fileno") and hasattr(stderr, "fileno")
        is_pytest = command[:2] == [sys.executable, "-mpytest"] and stdin is CLOSED
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [os.getcwd(), environment.get("PYTHONPATH")]))
        if is_forking and is_pytest and has_files and not kw and not needs_interpreter(environment):
            try:
                return runs.start(command, environment, stdout.fileno(), stderr.fileno())
            except CannotFork as fault:
                is_forking = False
                _warn_once(runs, str(fault))
        return start(cmdargs, stdout=stdout, stderr=stderr, stdin=stdin, **kw)

    def runpytest(*args: Any, **kwargs: Any) -> pytest.RunResult:
        nonlocal is_forking
        needs_this_process = kwargs.keys() - _PLAIN_ARGUMENTS or any(
            not isinstance(plugin, str) for plugin in pytester.plugins
        )
        if not any(str(argument).startswith("--basetemp") for argument in args):  # as pytest's own does
            args = (*args, f"--basetemp={pytester.path.parent / 'basetemp'}")
        if needs_this_process:
            return pytester.runpytest_inprocess(*args, **kwargs)
        is_forking = True
        try:
            return run_in_subprocess(*args, timeout=kwargs.get("timeout"))
        finally:
            is_forking = is_all

    pytester.popen = popen  # type: ignore[method-assign]  # of this object alone
    pytester.runpytest = runpytest  # type: ignore[method-assign]


def _warn_once(runs: ForkedRuns, fault: str) -> None:
    """Warn that runs start interpreters, and why; the first time that it is for this reason."""
    if fault not in runs.reported:
        runs.reported.add(fault)
        text = f"heavy_runpytest: pytester runs pytest in a new interpreter, because it can't fork: {fault}."
        warnings.warn(HeavyImportWarning(text), stacklevel=3)
