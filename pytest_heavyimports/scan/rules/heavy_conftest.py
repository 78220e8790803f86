"""Conftest files that import something heavy for every test below them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from .rule import Found, Rule

if TYPE_CHECKING:
    from ..source import Source


def _find(source: Source) -> Iterator[Found]:
    if PurePath(source.file).name == "conftest.py":
        for heavy in source.heavy_sites:
            if heavy.site.is_at_once:
                yield Found(heavy.site.node, f"{heavy.module!r} is imported for every test below", heavy.chain)


RULE = Rule(
    "heavy-conftest",
    "pytest imports a conftest file before any test of its directory is collected, light ones too.",
    "Take the module by fixture in the fixtures that need it: declare it in heavy_modules, and name its alias.",
    _find,
)
