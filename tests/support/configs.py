"""A configuration of pytest for tests of functions that read one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports.config import options


class _Parser:
    """Takes our ini keys."""

    def __init__(self) -> None:
        self.defaults: dict[str, Any] = {}

    def getgroup(self, *_: str) -> _Parser:
        return self

    def addoption(self, *_: str, **__: Any) -> None:
        """A flag."""

    def addini(self, key: str, help: str, *, default: Any, **_: Any) -> None:  # noqa: A002, ARG002  # as pytest has it
        self.defaults[key] = default


class Config:
    """What ``pytest.Config`` says of a configuration file."""

    def __init__(self, directory: Path, file: str = "pytest.ini", override: tuple[str, ...] = (), **ini: Any) -> None:
        """
        Args:
            directory: Where pytest was started.
            file: The configuration file, which need not be there; empty for none.
            override: What was given by ``-o``.
            ini: What stands in it; an exception is raised.
        """
        parser = _Parser()
        options.add_options(parser)  # type: ignore[arg-type]  # as far as it is used
        self._ini = {**parser.defaults, **ini}
        self._override = override
        self.inipath = directory / file if file else None
        self.rootpath = directory
        self.invocation_params = SimpleNamespace(dir=directory)
        self.stash = pytest.Stash()

    def getini(self, key: str) -> Any:
        value = self._ini[key]
        if isinstance(value, Exception):
            raise value
        return value

    def getoption(self, name: str, default: Any) -> Any:
        return self._override if name == "override_ini" else default
