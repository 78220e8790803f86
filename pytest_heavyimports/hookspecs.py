"""Hooks that conftest files and other plugins may implement."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


class HookSpecs:
    """Hooks that conftest files and other plugins may implement."""

    def __dir__(self) -> list[str]:  # pytest takes a look at each of these, in every run
        return ["pytest_heavy_isolated_receive", "pytest_heavy_isolated_send", "pytest_heavy_modules"]

    @staticmethod
    @pytest.hookspec
    def pytest_heavy_modules(config: pytest.Config) -> Iterable[str]:  # type: ignore[empty-body]  # a specification
        """
        Declare more heavy modules: lines in the grammar of the ini key ``heavy_modules``.

        Called once, when pytest has been configured and before anything is collected, so a ``conftest.py`` that is to
        be asked must be one that pytest reads at start-up: that of the root directory, or of a path on the command
        line.
        """

    @staticmethod
    @pytest.hookspec
    def pytest_heavy_isolated_send(item: pytest.Item) -> tuple[str, object] | None:
        """
        Send what a plugin keeps for the session from the process of an isolated test, which is about to lose it.

        Called in that process after each test, when its fixtures have been torn down and its reports have been sent.
        By ``method="fork"`` the process has a copy of what the plugin kept after collection: send what this test has
        added.

        Args:
            item: The test that has run.

        Returns:
            A name that only this plugin uses, and a value; or ``None``. The value is made of ``None``, booleans,
            numbers, ``str``, ``bytes``, and of lists, tuples, dictionaries and sets of them. It may take up to 64 MiB.
            What can't be sent is an error of the test.
        """

    @staticmethod
    @pytest.hookspec
    def pytest_heavy_isolated_receive(item: pytest.Item, name: str, value: object) -> None:
        """
        Take over what was sent from the process of an isolated test.

        Called in the process that runs pytest, or in the worker of pytest-xdist, once for each value that an
        implementation of ``pytest_heavy_isolated_send`` has returned. Nothing comes from a process that has died.

        Args:
            item: The same test, as this process has collected it.
            name: The name that was sent: an implementation ignores those of others.
            value: The value that was sent.
        """
