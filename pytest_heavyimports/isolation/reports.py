"""Reports and warnings as plain values, for another process, and back."""

from __future__ import annotations

import marshal
import os
import sys
import warnings
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import pytest

from ..errors import HeavyImportWarning

KEPT_BYTES = 2**26
"""How much a plugin may send after a test."""
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
_BASES: tuple[Any, ...] = (str, int, float, complex, bytes)
"""Of subclasses of these (a number of numpy, an enumeration), the plain value is sent."""


def pack_report(config: pytest.Config, report: pytest.TestReport) -> tuple[dict[str, Any], list[str]]:
    """A report as plain values, and a text on each value that can't be sent: its ``repr`` stands in for it."""
    lost: list[str] = []
    try:
        data = config.hook.pytest_report_to_serializable(config=config, report=report)
        return {key: plain(value, key, lost) for key, value in data.items()}, lost
    except Exception as error:  # of a plugin
        longrepr = f"The report of the isolated test can't be sent: {error!r}.\n{report.longreprtext}"
        fields: Any = (report.nodeid, report.location, {}, "failed", longrepr, report.when)
        told = pytest.TestReport(*fields)
        return config.hook.pytest_report_to_serializable(config=config, report=told), lost


def unpack_report(config: pytest.Config, data: dict[str, Any]) -> pytest.TestReport:
    """The report."""
    report: pytest.TestReport = config.hook.pytest_report_from_serializable(config=config, data=data)
    return report


def plain(value: Any, name: str, lost: list[str]) -> Any:
    """*value* made of what marshal can write. What isn't, is told in *lost* by its *name*."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, (list, tuple)):
        items = [plain(item, name, lost) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, Mapping):
        return {plain(key, name, lost): plain(item, f"{name}[{key!r}]", lost) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return {plain(item, name, lost) for item in value}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    for base in _BASES:
        if isinstance(value, base):
            return base.__str__(value) if base is str else base(value)  # str() of an enumeration is its name
    shown = _repr(value)
    lost.append(f"{name}: {shown}")
    return shown


def pack_kept(name: str, value: Any) -> tuple[str, str, Any]:
    """The message with what another plugin keeps, or with the reason why that can't be sent."""
    lost: list[str] = []
    sent = plain(value, name, lost)
    if lost:
        return "unsent", name, f"only plain values can be sent, which this is not: {lost[0]}"
    size = len(marshal.dumps(sent))
    if size > KEPT_BYTES:
        return "unsent", name, f"it takes {size >> 20} MiB, and up to {KEPT_BYTES >> 20} MiB can be sent"
    return "kept", name, sent


def pack_warning(warning: warnings.WarningMessage) -> tuple[str, str, str, str, int]:
    """Text, module and name of the category, file and line."""
    category = warning.category
    return str(warning.message), category.__module__, category.__qualname__, warning.filename, warning.lineno


def unpack_warning(text: str, module: str, name: str, file: str, line: int) -> warnings.WarningMessage:
    """The warning; a plain one with the category in its text where only the child knows that category."""
    category = getattr(sys.modules.get(module), name, None)
    if not (isinstance(category, type) and issubclass(category, Warning)):
        category, text = UserWarning, f"{name}: {text}"
    try:
        message = category(text)
    except Exception:  # it takes something else
        category, message = UserWarning, UserWarning(f"{name}: {text}")
    return warnings.WarningMessage(message, category, file, line)


def warning_of_loss(nodeid: str, lost: str, file: str, line: int) -> warnings.WarningMessage:
    """What is told of a value that could not be sent."""
    text = (
        f"{nodeid}: a value can't be sent from the process of an isolated test, and its repr stands in for it: {lost}"
    )
    return our_warning(text, file, line)


def our_warning(text: str, file: str, line: int) -> warnings.WarningMessage:
    """A warning of this plugin about a line of a file."""
    return warnings.WarningMessage(HeavyImportWarning(text), HeavyImportWarning, file, line)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__qualname__}, whose repr raises {type(error).__qualname__}>"
