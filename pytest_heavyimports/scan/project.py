"""A project's configuration as pytest reads it: with all its files, keys and overrides, and none of the user's code."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..config import options
from ..config.declarations import HeavyModule, read_declarations
from ..config.sources import from_entry_points, from_ini
from ..errors import CommandRefused
from ..facts.names import is_within
from ..process.environment import set_variables
from .records import BY_FLAG, Project

# Whatever could make pytest import a plugin, a conftest file or the class of a warning.
_NOTHING_IMPORTED = (
    "--noconftest",
    *("-p", "no:warnings"),
    *("-o", "addopts="),
    *("-o", "required_plugins="),
    *("-o", "filterwarnings="),
)
_VARIABLES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


class _Reader:
    """A plugin that knows our ini keys, takes what pytest has read, and lets it stop."""

    def __init__(self) -> None:
        self.config: pytest.Config | None = None

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        options.add_options(parser)

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        self.config = config
        return 0


def read_project(paths: Sequence[str], modules: Sequence[str] = ()) -> Project:
    """
    The project that *paths* lie in.

    Args:
        paths: Files and directories, relative to the working directory; none: what pytest would collect.
        modules: Declarations that take the place of those in the configuration.

    Raises:
        CommandRefused: A path is not there, or the configuration can't be read, or declares nothing.
    """
    for given in paths:
        if not os.path.exists(given):
            raise CommandRefused(f"{given!r} is not there")
        if not os.path.isfile(given) and not os.path.isdir(given):
            raise CommandRefused(f"{given!r} is neither a file nor a folder")
    reader = _Reader()
    with _alone():
        status = pytest.main([*_NOTHING_IMPORTED, *paths], plugins=[reader])
    config = reader.config
    if config is None:
        raise CommandRefused(f"pytest can't read its configuration (exit status {int(status)})")
    faults: list[str] = []
    lines = [(line, BY_FLAG) for line in modules] or [*from_ini(config, faults), *from_entry_points(config)]
    declared, more = read_declarations(lines)
    stand_ins = options.ini_value(config, options.STUB_KEY, faults, default=[])
    if faults or more:
        raise CommandRefused("\n".join([*faults, *more]).rstrip("."))
    if not declared:
        where = config.inipath.name if config.inipath else "pytest.ini"
        remedy = f"Write heavy_modules = torch into {where}, or name one: --module torch."
        raise CommandRefused("no heavy module is declared", remedy=remedy)
    root = config.rootpath
    asked = [Path(os.path.abspath(path)) for path in paths or config.args]
    return Project(
        root,
        tuple(asked),
        {alias: module for alias, module in declared.items() if not _has_stand_in(module, stand_ins)},
        config.inipath,
        python_files=tuple(config.getini("python_files")),
        python_classes=tuple(config.getini("python_classes")),
        python_functions=tuple(config.getini("python_functions")),
        norecursedirs=tuple(config.getini("norecursedirs")),
        path=tuple(_path(config)),
        cache=root / os.path.expandvars(config.getini("cache_dir")) / "d" / "heavyimports",
    )


def _has_stand_in(module: HeavyModule, stand_ins: Sequence[str]) -> bool:
    """Whether no run imports the real module, by the configuration; what was named for this once is asked about."""
    return module.source != BY_FLAG and any(is_within(module.fullname, each) for each in stand_ins)


def _path(config: pytest.Config) -> Iterator[str]:
    """What ``pythonpath`` says, the root directory, and ``src`` in it."""
    yield from map(str, config.getini("pythonpath"))
    yield str(config.rootpath)
    if not (config.rootpath / "src" / "__init__.py").exists():
        yield str(config.rootpath / "src")


@contextmanager
def _alone() -> Iterator[None]:
    """Without variables that pytest takes arguments and plugins from, or looks for plugins by."""
    put_back = set_variables({**dict.fromkeys(_VARIABLES), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    try:
        yield
    finally:
        put_back()
