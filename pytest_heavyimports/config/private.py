"""
Private names of pytest: one function for each, which says what happens in a pytest that no longer has it.

All are there from pytest 8.2 to 9.2; ``tests/unit/test_private_names.py`` fails where one has gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

try:
    from _pytest.junitxml import xml_key
except ImportError:  # a pytest to come: the file has no properties of ours, and none of isolated tests
    xml_key = pytest.StashKey()


def fixturedefs_of(item: pytest.Item) -> Mapping[str, tuple[pytest.FixtureDef[object], ...]]:
    """
    The fixtures that a test will have, by name, the outermost first. Without the name, none is known.

    pytest offers no other way to them before the test runs; pytest-asyncio goes it too.
    """
    found: Mapping[str, tuple[pytest.FixtureDef[object], ...]] = getattr(
        getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}
    )
    return found


def junit_writer(config: pytest.Config) -> Any:
    """
    What writes JUnit's file in this process; ``None`` where nothing does, or the name is missing.

    Public is the fixture ``record_testsuite_property`` alone, which only a test can ask for.
    """
    return config.stash.get(xml_key, None)


def stand_for_junit_writer(config: pytest.Config, writer: Any) -> None:
    """Have the fixtures for JUnit's file speak to another one. Without the name they go on as without a file."""
    config.stash[xml_key] = writer


def base_directory(config: pytest.Config) -> Path | None:
    """
    Where ``tmp_path`` makes its directories, made now; ``None`` without pytest's plugin tmpdir, or without the name.

    pytest-xdist asks for it in the same way.
    """
    factory: Any = getattr(config, "_tmp_path_factory", None)
    return Path(factory.getbasetemp()) if factory else None
