"""
What other plugins keep for the session, taken from the process of an isolated test to the one that runs pytest.

Each file is about one plugin; where it has hooks, they are those that any plugin may implement. It names in ``NEEDED``
what it takes of that plugin and is not documented there: a version without it is reported, and left alone.
"""

from __future__ import annotations

# Imports in functions: the files of plugins import from here what all of them use.
import importlib
import sys
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_unknown_key: pytest.StashKey[dict[str, str]] = pytest.StashKey()
"""By module: what this version of a plugin lacks."""


def take_over_from_others(config: pytest.Config) -> None:
    """Register what is known of the plugins of this run, in either process, once collection can begin."""
    config.stash[_unknown_key] = {}
    for each in _adapters():
        if each.MODULE not in sys.modules:
            continue
        try:
            if not each.is_used(config):
                continue
            lacking = missing(each.NEEDED, config)
        except (AttributeError, ImportError) as error:  # what it asks for whether the plugin is used
            lacking = str(error)
        if lacking:
            config.stash[_unknown_key][each.MODULE] = lacking
        else:
            config.pluginmanager.register(each.HOOKS(config), f"heavyimports-{each.MODULE}")


def missing(needed: Iterable[str], config: Any) -> str:
    """The first of ``module:attribute``, or ``config:attribute``, that isn't there; empty where all are."""
    for reference in needed:
        module, _, attributes = reference.partition(":")
        try:
            attrgetter(attributes)(config if module == "config" else importlib.import_module(module))
        except (AttributeError, ImportError):
            return reference
    return ""


def words_on_unknown(config: pytest.Config) -> list[str]:
    """A line on each plugin that has changed too much."""
    return [
        f"heavy_isolated: {each.NAME} loses what it keeps of isolated tests: this version has no {lacking}"
        for each, lacking in _unknown(config)
    ]


def refusal_of_unknown(config: pytest.Config) -> str:
    """Why this run, with isolated tests, is not to begin; empty where it may."""
    for each, lacking in _unknown(config):
        if flag := each.writes(config):
            return (
                f"{flag}: {each.NAME} would change snapshots without knowing what isolated tests have used: "
                f"this version has no {lacking}. "
                f"Update those of other tests by {flag} -m 'not heavy_isolated', without --heavy-isolate."
            )
    return ""


def _adapters() -> tuple[Any, ...]:
    from . import benchmark, inline_snapshot, syrupy, testmon

    return benchmark, inline_snapshot, syrupy, testmon


def _unknown(config: pytest.Config) -> Iterator[tuple[Any, str]]:
    lacking = config.stash.get(_unknown_key, {})
    return ((each, lacking[each.MODULE]) for each in _adapters() if each.MODULE in lacking)
