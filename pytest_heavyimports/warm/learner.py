"""In a run: under which circumstances it imports what no run before it has imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from .key import environment as of_key
from .world import variables


class Learner:
    """
    Notes the variables that were set before each import, and what is not to be learnt.

    What a test imports after it has changed the environment, the directory, ``sys.path`` or ``sys.modules`` is what
    that test wants, and no other.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """*environment*: the variables that the run began with."""
        self._before = dict(of_key(environment))
        self._raw: dict[str, str] = {}
        self._set: dict[str, str | None] = {}
        self._circumstances: tuple[object, ...] = ()
        self._has_tests = False
        self._early: frozenset[str] = frozenset()
        self.variables: dict[str, dict[str, str | None]] = {}
        """What was set before an import, by the name of the module."""
        self.tainted: set[str] = set()
        """Modules that are not to be learnt."""

    def begin_conftests(self) -> None:
        """What was imported by now was imported by plugins."""
        self._early = frozenset(sys.modules)

    def is_late(self, fullname: str) -> bool:
        """Whether a module may depend on what conftest files have done."""
        return fullname not in self._early

    def begin_tests(self) -> None:
        """What conftest files have done stays for all tests; what tests do doesn't."""
        self._circumstances = self._now()
        self._has_tests = True

    def note(self, fullname: str) -> None:
        """A module is about to be executed."""
        is_in_test = self._has_tests or "PYTEST_CURRENT_TEST" in os.environ  # a worker isn't told when they begin
        if is_in_test and self._now() != self._circumstances:
            self.tainted.add(fullname)
            return
        if not is_in_test:
            self._circumstances = self._now(blocked=())
        if different := self.set_by_now():
            self.variables[fullname] = different

    def set_by_now(self) -> dict[str, str | None]:
        """The variables that are not what they were when the run began; ``None``: deleted."""
        raw = variables()
        if raw != self._raw:
            now = dict(of_key(raw))
            names = {**self._before, **now}
            self._set = {name: now.get(name) for name in names if self._before.get(name) != now.get(name)}
            self._raw = raw
        return self._set

    def _now(self, blocked: tuple[str, ...] | None = None) -> tuple[object, ...]:
        if blocked is None:
            blocked = tuple(name for name, module in list(sys.modules.items()) if module is None)
        try:
            directory = os.getcwd()
        except OSError:
            directory = ""
        environment = {**self._before, **self.set_by_now()}
        return environment, directory, list(sys.path), blocked, list(sys.meta_path), list(sys.path_hooks)
