"""Files that import something heavy at their top for only some of their tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .rule import Found, Rule

if TYPE_CHECKING:
    from ..source import Source


def _find(source: Source) -> Iterator[Found]:
    at_the_top = [each for each in source.heavy_sites if each.site.is_at_once]
    if not at_the_top or not source.tests or source.is_heavy_by_package:
        return
    needy = sum(map(source.needs.is_heavy, source.tests))
    if needy < len(source.tests):
        first = at_the_top[0]
        others = dict.fromkeys(each.module for each in at_the_top[1:] if each.module != first.module)
        modules = " and ".join([repr(first.module), *(f"{len(others)} more" for _ in (1,) if others)])
        verb = "are" if others else "is"
        yield Found(first.site.node, f"{modules} {verb} imported for {needy} of {len(source.tests)} tests", first.chain)


RULE = Rule(
    "mixed-file",
    "The light tests of the file can't be run, or even collected, without the import.",
    "Part the file: heavyimports split. Or take the module by fixture.",
    _find,
)
