"""Fixtures for the tests beside other plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import Guarded

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-plugin", help="run test_modes.py for this plugin alone")
    parser.addoption(
        "--write-table", action="store_true", help="write docs/other-plugins.json as test_modes.py finds it"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of test_modes.py that are another plugin's."""
    plugin = config.getoption("only_plugin", None)
    if plugin:
        tried = {item: getattr(item, "callspec", None) for item in items}
        items[:] = [item for item in items if not tried[item] or tried[item].params.get("plugin", plugin) == plugin]


@pytest.fixture
def guarded(suite: Suite, installed: Installed) -> Guarded:
    """A suite with the guard on, where ``plainpkg`` is declared."""
    return Guarded(suite, installed)
