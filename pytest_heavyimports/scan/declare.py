"""Lines of ``heavy_modules``, written into a configuration file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import tomlkit

if TYPE_CHECKING:
    from tomlkit.items import Table

KEY = "heavy_modules"


def with_declarations(name: str, data: bytes, lines: Sequence[str]) -> bytes:
    """The configuration file *name* with more lines, everything else as it is."""
    text = data.decode("utf-8")
    changed = _in_toml(name, text, lines) if name.endswith(".toml") else _in_ini(name, text, lines)
    return changed.encode("utf-8")


def _in_toml(name: str, text: str, lines: Sequence[str]) -> str:
    document = tomlkit.parse(text)
    table = _table(document, name)
    declared = table.get(KEY)
    if declared is None:
        declared = table[KEY] = tomlkit.array()
        declared.multiline(True)
    if isinstance(declared, str):  # a line list may be one text
        table[KEY] = tomlkit.string("\n".join([declared.rstrip(), *lines, ""]), multiline=True)
    else:
        for line in lines:
            declared.append(line)
    return tomlkit.dumps(document)


def _table(document: tomlkit.TOMLDocument, name: str) -> Table:
    """pytest's own table; it is there, as the file is the one that pytest reads."""
    if name != "pyproject.toml":
        return cast("Table", document.setdefault("pytest", tomlkit.table()))
    tool = document.setdefault("tool", tomlkit.table(is_super_table=True))
    pytest = tool.setdefault("pytest", tomlkit.table(is_super_table=True))
    is_old = "ini_options" in pytest or not pytest
    return cast("Table", pytest.setdefault("ini_options", tomlkit.table()) if is_old else pytest)


def _in_ini(name: str, text: str, lines: Sequence[str]) -> str:
    section = "[tool:pytest]" if name.endswith(".cfg") else "[pytest]"
    existing = text.split("\n")
    added = [f"    {line}" for line in lines]
    start = next((n for n, line in enumerate(existing) if line.strip() == section), None)
    if start is None:
        return "\n".join([*existing[:-1], section, f"{KEY} =", *added, ""])
    for number in range(start + 1, len(existing)):
        if existing[number].startswith("["):
            break
        if re.match(rf"{KEY}\s*[=:]", existing[number]):
            end = number + 1
            while end < len(existing) and existing[end][:1] in (" ", "\t", "#", ";"):
                end += 1
            return "\n".join([*_continued(existing[:end], number), *added, *existing[end:]])
    return "\n".join([*existing[: start + 1], f"{KEY} =", *added, *existing[start + 1 :]])


def _continued(lines: list[str], number: int) -> list[str]:
    """A value in the line of the key goes to a line of its own."""
    key, separator, value = re.split(r"([=:])", lines[number], maxsplit=1)
    if not value.strip():
        return lines
    return [*lines[:number], f"{key.rstrip()} {separator}", f"    {value.strip()}", *lines[number + 1 :]]
