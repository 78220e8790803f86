"""Imports of heavy modules inside test functions, fixtures and their helpers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..source import Source, is_fixture, owner_name
from .rule import Found, Rule

if TYPE_CHECKING:
    from ...facts.statements import Owner


def _find(source: Source) -> Iterator[Found]:
    for heavy in source.heavy_sites:
        if heavy.site.is_in_function:
            where = f"{_kind(source, heavy.site.owners)} {owner_name(heavy.site.owners)}"
            yield Found(heavy.site.node, f"{heavy.module!r} is imported in {where}", heavy.chain)


def _kind(source: Source, owners: tuple[Owner, ...]) -> str:
    if is_fixture(owners[-1]):
        return "fixture"
    return "test" if any(owners[-1] is test.node for test in source.tests) else "function"


RULE = Rule(
    "function-import",
    "Whichever test comes first pays for the import, under whatever that test has patched, timed or put in place.",
    "Import it at the top of the file, or take it by fixture: heavyimports fix, heavyimports fix --to fixture.",
    _find,
)
