"""Results of an earlier scan, by what each file was then."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .records import FileResult, Finding

if TYPE_CHECKING:
    from .examine import Asked, Standard

FILE = "scan.json"


class Cache:
    """
    A JSON file in a folder of the project.

    A result counts as long as everything that it was made of is the same: the file's content, what is heavy, how tests
    are named, our version and Python's.
    """

    def __init__(self, folder: Path, standard: Standard) -> None:
        self._folder = folder
        heaviness, naming = standard
        links = [sorted(each.items()) for each in (heaviness.hops, heaviness.imports)]
        heavy = [sorted(heaviness.declared), links, sorted(heaviness.local)]
        facts = [_our_version(), sys.version_info[:2], heavy, naming]
        self._stamp = hashlib.sha256(json.dumps(facts).encode()).digest()
        self._kept: dict[str, tuple[str, list[object]]] = {}
        self._is_changed = False
        with suppress(OSError, ValueError):
            kept = json.loads((folder / FILE).read_bytes())
            if isinstance(kept, dict):
                self._kept = kept

    def get(self, asked: Asked) -> FileResult | None:
        """The result of an earlier scan; ``None`` where there is none of the same."""
        with suppress(KeyError, TypeError, ValueError):
            key, (findings, *rest) = self._kept[asked.file]
            if key == self._key(asked):
                return FileResult(tuple(_finding(asked.file, values) for values in findings), *rest)  # type: ignore[attr-defined, arg-type]  # JSON
        return None

    def put(self, asked: Asked, result: FileResult) -> None:
        """Remember a result."""
        findings = [[f.rule, f.line, f.column, f.message, f.chain, f.scope, f.statement] for f in result.findings]
        self._kept[asked.file] = self._key(asked), [findings, *result[1:]]
        self._is_changed = True

    def save(self, root: Path) -> None:
        """Write what has changed; a folder that can't be written to is left alone. Files that are gone are dropped."""
        if not self._is_changed:
            return
        kept = {file: entry for file, entry in self._kept.items() if (root / file).exists()}
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / ".gitignore").write_text("*\n", encoding="utf-8")
            scratch = self._folder / f"{FILE}.{os.getpid()}"
            scratch.write_text(json.dumps(kept, separators=(",", ":")), encoding="utf-8")
            scratch.replace(self._folder / FILE)

    def _key(self, asked: Asked) -> str:
        digest = hashlib.sha256(self._stamp)
        digest.update("\0".join((asked.module, *sorted(asked.heavy_fixtures), "")).encode())
        digest.update(asked.data)
        return digest.hexdigest()


def _our_version() -> str:
    """What the rules are: their text, so that a change of it counts between two releases, too."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _finding(file: str, values: list[object]) -> Finding:
    rule, line, column, message, chain, scope, statement = values
    return Finding(rule, file, line, column, message, tuple(chain), None, scope, statement)  # type: ignore[arg-type]  # JSON
