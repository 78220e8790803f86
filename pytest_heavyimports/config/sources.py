"""Where lines of ``heavy_modules`` come from: the configuration file, hooks, installed distributions."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from . import options

ENTRY_POINT_GROUP = "pytest_heavyimports"
_GROUP_HEADER = f"[{ENTRY_POINT_GROUP}]".encode()
_METADATA_DIRECTORIES = (".dist-info", ".egg-info")
INSTALL_DIRECTORIES = ("site-packages", "dist-packages")
UNNAMED_CACHE_KEY = "heavyimports/unnamed"
"""For each directory of installed distributions, none of which names the group: its state, in pytest's cache."""


Line = tuple[str, str]
"""A line of text and where it was written, before anybody has read it."""

asked_key: pytest.StashKey[frozenset[str]] = pytest.StashKey()
"""Names of the plugins whose ``pytest_heavy_modules`` has been asked."""


def all_lines(config: pytest.Config, faults: list[str]) -> list[Line]:
    """The lines of all sources, in the order of precedence; what can't be made a line of goes to the *faults*."""
    return [*from_ini(config, faults), *from_hooks(config, faults), *from_entry_points(config)]


def from_ini(config: pytest.Config, faults: list[str]) -> Iterator[Line]:
    """The lines of the configuration file, or of the command line in its place."""
    lines = options.module_lines(config, faults)
    if lines:
        where = options.ini_source(config, options.MODULES_KEY)
        for number, text in enumerate(lines, 1):
            yield text, f"{where}, line {number} of heavy_modules"


def from_hooks(config: pytest.Config, faults: list[str]) -> Iterator[Line]:
    """What conftest files and plugins declare by ``pytest_heavy_modules``: each is asked by itself, to be named."""
    manager = config.pluginmanager
    implementations = manager.hook.pytest_heavy_modules.get_hookimpls()
    config.stash[asked_key] = frozenset(implementation.plugin_name for implementation in implementations)
    for implementation in implementations:
        others = [plugin for plugin in manager.get_plugins() if plugin is not implementation.plugin]
        name = plugin_name(config, implementation.plugin_name)
        given: list[object] = manager.subset_hook_caller("pytest_heavy_modules", others)(config=config)
        for lines in given:
            if isinstance(lines, Mapping) or not isinstance(lines, Iterable):
                faults.append(
                    f"heavy_modules: {name} gives {lines!r} from pytest_heavy_modules. Return a list of lines, such as "
                    "['np = numpy']."
                )
                continue
            lines = [lines] if isinstance(lines, str) else list(lines)
            for number, text in enumerate(lines, 1):
                if isinstance(text, str):
                    yield text, f"{name}, line {number} of pytest_heavy_modules"
                else:
                    faults.append(f"heavy_modules: {text!r} is no text ({name}, pytest_heavy_modules).")


def warn_of_late_hooks(config: pytest.Config) -> None:
    """
    Warn of a ``conftest.py`` whose ``pytest_heavy_modules`` nobody has asked, since pytest read it too late.

    Where warnings are errors, it is told as a file that can't be collected: what a hook raises is an internal error.
    """
    asked = config.stash.get(asked_key, frozenset())
    for implementation in config.hook.pytest_heavy_modules.get_hookimpls():
        if implementation.plugin_name not in asked:
            from ..errors import HeavyImportWarning  # every run loads this file

            name = plugin_name(config, implementation.plugin_name)
            warning = HeavyImportWarning(
                f"pytest_heavy_modules of {name} was not asked, since pytest read it while collecting. Move it to the "
                "conftest.py of the root directory, which is read at start-up."
            )
            try:
                warnings.warn_explicit(warning, HeavyImportWarning, implementation.plugin_name, 1)
            except HeavyImportWarning:
                report = pytest.CollectReport(name, "failed", str(warning), [])
                config.hook.pytest_collectreport(report=report)


def from_entry_points(config: pytest.Config) -> Iterator[Line]:
    """What installed distributions declare in the entry point group ``pytest_heavyimports``: ``alias = module …``."""
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") or not _is_group_named(config):
        return
    for distribution in importlib.metadata.distributions():
        for entry_point in distribution.entry_points:
            if entry_point.group == ENTRY_POINT_GROUP:
                name = distribution.metadata["Name"]
                yield (
                    f"{entry_point.name} = {entry_point.value}",
                    f"distribution {name!r}, entry point {entry_point.name!r} of {ENTRY_POINT_GROUP}",
                )


def _is_group_named(config: pytest.Config) -> bool:
    """
    Whether any distribution may declare something: a look at the files of those that lie open on ``sys.path``.

    It is done in every run, and takes a quarter of the time of asking ``importlib.metadata``, which has the answer in
    all other cases: archives, eggs, finders of somebody's own. Where nothing is installed between two runs, the second
    has the answer of the first from pytest's cache.
    """
    if any(hasattr(finder, "find_distributions") for finder in sys.meta_path if finder is not PathFinder):
        return True
    cache: pytest.Cache | None = getattr(config, "cache", None)
    known: dict[str, list[int]] = cache.get(UNNAMED_CACHE_KEY, {}) if cache else {}
    unnamed = {}
    for entry in sys.path:
        if not isinstance(entry, str) or entry.endswith(".egg"):
            return True  # a Path, which somebody has put there
        state = _state(entry) if _is_for_installs(entry) else []
        if not state or known.get(entry) != state:
            try:
                names = [name for name in os.listdir(entry or ".") if name.endswith(_METADATA_DIRECTORIES)]
            except (OSError, ValueError):
                if os.path.isfile(entry):
                    return True
                continue
            if any(_has_group(f"{entry or '.'}/{name}/entry_points.txt") for name in names):
                return True
            if any(name.endswith(".egg-info") for name in names):
                continue  # setuptools writes into the directories of such
        if state:
            unnamed[entry] = state
    if unnamed != known and cache and cache.get("cache/nodeids", None) and not options.is_worker(config):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where it can't be written, pytest says so for what it writes itself
            cache.set(UNNAMED_CACHE_KEY, unnamed)
    return False


def _is_for_installs(directory: str) -> bool:
    """Whether nothing is written there but by installs: no project lies in it, nor what setuptools writes for one."""
    return os.path.basename(directory) in INSTALL_DIRECTORIES or directory.startswith(os.path.dirname(os.__file__))


def _state(directory: str) -> list[int]:
    """What changes when a distribution is installed there, or taken away; empty where there is no such directory."""
    try:
        facts = os.stat(directory)
    except (OSError, ValueError):
        return []
    return [facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_size]


def _has_group(file: str) -> bool:
    try:
        number = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError:
        return False
    try:
        return _GROUP_HEADER in os.read(number, os.fstat(number).st_size)
    finally:
        os.close(number)


def conftest_files(config: pytest.Config) -> tuple[str, ...]:
    """The ``conftest.py`` files that pytest has read."""
    files = (str(getattr(plugin, "__file__", "")) for plugin in config.pluginmanager.get_plugins())
    return tuple(sorted(file for file in files if file.endswith("conftest.py")))


def plugin_name(config: pytest.Config, registered: str) -> str:
    """A conftest file by its path, any other plugin by the name that it is registered under."""
    if not registered.endswith("conftest.py"):
        return f"plugin {registered!r}"
    file = Path(registered)
    return str(file.relative_to(config.rootpath)) if file.is_relative_to(config.rootpath) else str(file)
