"""The ini key ``heavy_warm_ignore``, read without pytest: the client must know it before there is a run."""

from __future__ import annotations

import configparser
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found]  # pytest needs it there

_TABLES = (("pytest",), ("tool", "pytest"), ("tool", "pytest", "ini_options"))
_SECTIONS = ("pytest", "tool:pytest")


def patterns_in(name: str, data: bytes, key: str) -> list[str]:
    """
    The patterns in a configuration file; none where it can't be read, which pytest reports.

    Args:
        name: Of the file: its suffix tells in which language it is written.
        data: What is in it.
        key: The ini key.
    """
    text = data.decode(errors="replace")
    with suppress(ValueError, configparser.Error):
        return list((_in_toml if name.endswith(".toml") else _in_ini)(text, key))
    return []


def _in_toml(text: str, ini_key: str) -> Iterator[str]:
    everything = tomllib.loads(text)
    for path in _TABLES:
        table: Any = everything
        for key in path:
            table = table.get(key, {}) if isinstance(table, dict) else {}
        value = table.get(ini_key, ()) if isinstance(table, dict) else ()
        yield from value.split() if isinstance(value, str) else (str(part) for part in value)


def _in_ini(text: str, ini_key: str) -> Iterator[str]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(text)
    for section in _SECTIONS:
        yield from parser.get(section, ini_key, fallback="").split()
