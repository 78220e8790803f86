"""Settings, written into a configuration file of pytest: every other character stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from ..errors import CommandRefused

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table

KEY = "heavy_modules"
_COMMENTS = ("#", ";")


def with_declarations(name: str, data: bytes, lines: Sequence[str], values: Mapping[str, str] = {}) -> bytes:
    """
    The configuration file *name* with more in it.

    Args:
        name: That of the file; it says which format it has, and which table is pytest's.
        data: What it consists of.
        lines: More lines of ``heavy_modules``.
        values: Other keys, each with its value, which takes the place of one that is there.

    Raises:
        CommandRefused: It can't be read, or would lose something.
    """
    if not name.endswith((".ini", ".cfg", ".toml")):
        raise CommandRefused(f"pytest reads no settings from {name}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandRefused(f"{name} is not UTF-8: {error}") from error
    changed = _in_toml(name, text, lines, values) if name.endswith(".toml") else _in_ini(name, text, lines, values)
    lost = [comment for comment in _comments(text) if comment not in changed]
    if lost:
        raise CommandRefused(f"{name} would lose a comment: {lost[0]}", remedy="Write the settings by hand.")
    return changed.encode("utf-8")


def _comments(text: str) -> list[str]:
    """The lines that are comments, and what may be one at the end of a line."""
    return [found[0].strip() for found in re.finditer(r"(?:^|[ \t])[#;][^\r\n]*", text, re.MULTILINE)]


def _in_toml(name: str, text: str, lines: Sequence[str], values: Mapping[str, str]) -> str:
    import tomlkit  # of an extra
    from tomlkit.exceptions import TOMLKitError  # as above

    try:
        document = tomlkit.parse(text)
        table = _table(document, name)
        if lines:
            _add_lines(table, lines)
        for key, value in values.items():
            table[key] = value
        changed = tomlkit.dumps(document)
        if _table(tomlkit.parse(changed), name).unwrap() != table.unwrap():
            raise CommandRefused(f"{name} can't be changed safely", remedy="Write the settings by hand.")
    except TOMLKitError as error:
        raise CommandRefused(f"{name} can't be read: {error}") from error
    return changed


def _add_lines(table: Table, lines: Sequence[str]) -> None:
    import tomlkit  # of an extra

    declared = table.get(KEY)
    if declared is None:
        declared = table[KEY] = tomlkit.array()
        declared.multiline(True)
    if isinstance(declared, str):  # a line list may be one text
        table[KEY] = tomlkit.string("\n".join([declared.rstrip(), *lines, ""]), multiline=True)
    else:
        for line in lines:
            declared.append(line)


def _table(document: TOMLDocument, name: str) -> Table:
    """pytest's own table, made where it isn't there."""
    import tomlkit  # of an extra

    if name in ("pytest.toml", ".pytest.toml"):
        return cast("Table", document.setdefault("pytest", tomlkit.table()))
    tool = document.setdefault("tool", tomlkit.table(is_super_table=True))
    pytest = tool.setdefault("pytest", tomlkit.table(is_super_table=True))
    is_old = "ini_options" in pytest or not pytest
    return cast("Table", pytest.setdefault("ini_options", tomlkit.table()) if is_old else pytest)


def _in_ini(name: str, text: str, lines: Sequence[str], values: Mapping[str, str]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    existing = text.split(end)
    section = "[tool:pytest]" if name.endswith(".cfg") else "[pytest]"
    if not any(_is_header(line, section) for line in existing):
        head = existing[:-1] if not existing[-1] else existing
        existing = [*head, section, ""]
    for key, value in reversed(list(values.items())):
        existing = _with_value(existing, section, key, value)
    if lines:
        existing = _with_lines(existing, section, lines)
    return end.join(existing)


def _is_header(line: str, section: str) -> bool:
    """Whether a line begins a section; a comment may follow."""
    return re.split("[#;]", line, maxsplit=1)[0].rstrip() == section


def _find(existing: list[str], section: str, key: str) -> tuple[int, int, int]:
    """The line after the section's header, that of the key, or -1, and the line after its value."""
    start = next(number for number, line in enumerate(existing) if _is_header(line, section)) + 1
    for number in range(start, len(existing)):
        if existing[number].startswith("["):
            break
        if re.match(rf"{key}\s*[=:]", existing[number]):
            end = number + 1
            while end < len(existing) and existing[end][:1] in (" ", "\t", *_COMMENTS):
                end += 1
            while existing[end - 1].startswith(_COMMENTS):  # those are of what comes next
                end -= 1
            return start, number, end
    return start, -1, -1


def _with_value(existing: list[str], section: str, key: str, value: str) -> list[str]:
    """A key with another value, in the line of the key; a new one comes first in its section."""
    start, at, end = _find(existing, section, key)
    if at < 0:
        return [*existing[:start], f"{key} = {value}", *existing[start:]]
    kept = [line for line in existing[at + 1 : end] if line.lstrip().startswith(_COMMENTS) or not line.strip()]
    return [*existing[:at], f"{key} = {value}", *kept, *existing[end:]]


def _with_lines(existing: list[str], section: str, lines: Sequence[str]) -> list[str]:
    added = [f"    {line}" for line in lines]
    start, at, end = _find(existing, section, KEY)
    if at < 0:
        return [*existing[:start], f"{KEY} =", *added, *existing[start:]]
    return [*_continued(existing[:end], at), *added, *existing[end:]]


def _continued(lines: list[str], number: int) -> list[str]:
    """A value in the line of the key goes to a line of its own."""
    key, separator, value = re.split(r"([=:])", lines[number], maxsplit=1)
    if not value.strip():
        return lines
    return [*lines[:number], f"{key.rstrip()} {separator}", f"    {value.strip()}", *lines[number + 1 :]]
