"""One file to one :class:`FileResult`, in whatever process: imports neither grimp nor libcst."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ..facts.names import root
from .records import FileResult, Finding
from .rules import RULES
from .source import Naming, Source, heavy_fixtures_of

if TYPE_CHECKING:
    from .heaviness import Heaviness

_FUNCTION = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_RELATIVE = re.compile(r"^[ \t]*from[ \t]+\.", re.MULTILINE)
_HAZARDS = r"sys\.modules"


class Standard(NamedTuple):
    """What files are judged by."""

    heaviness: Heaviness
    naming: Naming


class Asked(NamedTuple):
    """A file to look at."""

    file: str
    """As it is told."""
    module: str
    """The name that pytest imports it by."""
    data: bytes
    heavy_fixtures: frozenset[str]
    """Those that it can ask for and that stand elsewhere."""

    @property
    def text(self) -> str:
        """What stands in it; a character that is no UTF-8 matters in no rule."""
        return self.data.decode("utf-8-sig", "replace")


def read(asked: Asked, standard: Standard) -> Source:
    """
    The file, parsed.

    Raises:
        SyntaxError: It is no Python, or nothing that Python's own parser can cope with.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an invalid escape, which is the file's own affair
            return Source(
                asked.file,
                asked.text,
                standard.heaviness,
                module=asked.module,
                naming=standard.naming,
                heavy_fixtures=asked.heavy_fixtures,
            )
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or type(error).__name__) from error


def examine(asked: Asked, standard: Standard) -> FileResult:
    """Look at a file by all rules; one that has no word of anything heavy is not parsed."""
    if not _may_matter(asked, standard):
        package = asked.module.rpartition(".")[0]
        is_heavy = bool(package and standard.heaviness.chain(package))
        names = _FUNCTION.findall(asked.text)
        return FileResult((), is_heavy, light_tests=sum(map(standard.naming.is_test, names)))
    try:
        source = read(asked, standard)
    except SyntaxError as error:
        return FileResult(fault=f"{error.msg} (line {error.lineno})" if error.lineno else str(error.msg))
    heavy_tests = sum(map(source.needs.is_heavy, source.tests))
    return FileResult(
        tuple(sorted(_findings(source), key=lambda finding: (finding.line, finding.column))),
        source.is_heavy,
        light_tests=len(source.tests) - heavy_tests,
        heavy_tests=heavy_tests,
    )


def heavy_fixtures(asked: Asked, standard: Standard) -> frozenset[str]:
    """The fixtures of a file that give something heavy, or import it."""
    try:
        return heavy_fixtures_of(read(asked, standard)) if _may_matter(asked, standard) else frozenset()
    except SyntaxError:
        return frozenset()


def _findings(source: Source) -> Iterator[Finding]:
    for rule in RULES.values():
        for node, message, chain in rule.find(source):
            if not source.is_ignored(rule.name, node):
                yield Finding(
                    rule.name,
                    source.file,
                    node.lineno,
                    node.col_offset + 1,
                    message,
                    (source.file, *chain) if chain else (),
                    scope=source.scope_of(node),
                    statement=ast.unparse(node),
                )


def _may_matter(asked: Asked, standard: Standard) -> bool:
    text = asked.text
    words = _words(standard.heaviness)
    if words.search(text) or any(name in text for name in asked.heavy_fixtures):
        return True
    return root(asked.module) in standard.heaviness.local and bool(_RELATIVE.search(text))


@lru_cache(maxsize=4)
def _pattern(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b|{_HAZARDS}")


def _words(heaviness: Heaviness) -> re.Pattern[str]:
    return _pattern(_roots(heaviness.declared) | _roots(heaviness.hops))


def _roots(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(root, names))
