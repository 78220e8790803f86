"""One word, one thing: no two classes of the package have one name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest_heavyimports

PACKAGE = Path(pytest_heavyimports.__file__).parent


def test_no_two_classes_have_one_name() -> None:
    """A name that is found in a traceback, or by a search, leads to one file."""
    files = defaultdict(list)
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                files[node.name].append(str(file.relative_to(PACKAGE)))
    assert {name: where for name, where in files.items() if len(where) > 1} == {}


def test_few_files_lie_at_the_top() -> None:
    """Whoever looks for a feature finds its folder."""
    assert len(list(PACKAGE.glob("*.py"))) <= 16
