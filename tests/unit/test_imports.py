"""Where the package imports: at the top of a file, or with the reason beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest_heavyimports

PACKAGE = Path(pytest_heavyimports.__file__).parent
OF_THE_FILE = "# Imports in functions: "


def _unexplained(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef) or OF_THE_FILE in text:
            continue
        for node in ast.walk(function):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                line, before = lines[node.lineno - 1], lines[node.lineno - 2].strip()
                if "  # " not in line and not before.startswith("#"):
                    yield f"{file.relative_to(PACKAGE)}:{node.lineno}: {line.strip()}"


def test_an_import_in_a_function_says_why() -> None:
    """On its line, on the one before, or once for the whole file."""
    found = [line for file in sorted(PACKAGE.rglob("*.py")) for line in _unexplained(file)]
    assert found == []
