"""Whatever is process-wide is changed in few places: those of the table in ``docs/how-it-works.md``."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest_heavyimports

PACKAGE = Path(pytest_heavyimports.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "how-it-works.md"

STATES = (
    "importlib.reload os.environ sys.argv sys.meta_path sys.modules sys.orig_argv sys.path sys.path_importer_cache"
).split()
"""What is assigned to, or changed by a method."""
CHANGING = "append clear extend insert pop popitem remove setdefault update".split()
CALLS = (
    "atexit._clear atexit.register faulthandler.enable faulthandler.register fcntl.ioctl gc.disable gc.enable "
    "gc.freeze os.chdir os.dup2 os.fchdir os.fork os.setpgid os.setsid os.umask prctl random.seed resource.setrlimit "
    "signal.alarm signal.pthread_sigmask signal.set_wakeup_fd signal.signal sys.set_lazy_imports "
    "sys.set_lazy_imports_filter time.tzset"
).split()
OF_OTHERS = ("owner", "_bootstrap", "sys")
"""What other modules are called where their attributes are changed, beside their names."""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return {"_signal": "signal", "python": "sys"}.get(node.id, node.id)
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    targets = [*getattr(node, "targets", ())] if isinstance(node, (ast.Assign, ast.Delete)) else []
    for target in targets:
        for each in target.elts if isinstance(target, ast.Tuple) else [target]:
            yield each.value if isinstance(each, ast.Subscript) else each


def _absolute_names(node: ast.AST) -> list[ast.alias]:
    """What a statement imports that is not of this package."""
    is_absolute = isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level)
    return node.names if is_absolute else []  # type: ignore[attr-defined]  # by the line above


def _doors(tree: ast.AST) -> Iterator[str]:
    """Those that a file opens."""
    others = {alias.asname or alias.name for node in ast.walk(tree) for alias in _absolute_names(node)}
    for node in ast.walk(tree):
        for name in map(_dotted, _targets(node)):
            if name in STATES:
                yield name
            elif "." in name and name.partition(".")[0] in {*others, *OF_OTHERS}:
                yield "setattr"
        if not isinstance(node, ast.Call):
            continue
        called = _dotted(node.func)
        owner, _, method = called.rpartition(".")
        if owner in STATES and method in CHANGING:
            yield owner
        elif called in CALLS or method == "prctl":
            yield method if method == "prctl" else called
        elif called in ("setattr", "delattr") and _dotted(node.args[0]) in OF_OTHERS:
            yield "setattr"


def _found() -> dict[str, set[str]]:
    """The files that open each door."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in PACKAGE.rglob("*.py"):
        for door in _doors(ast.parse(file.read_text(encoding="utf-8"))):
            found[door].add(str(file.relative_to(PACKAGE)))
    return found


def _told() -> dict[tuple[str, ...], set[str]]:
    """By the doors of a row, the files; a row without doors goes on with those before it."""
    section = PAGE.read_text(encoding="utf-8").partition("## One room for each door")[2].partition("\n## ")[0]
    told: dict[tuple[str, ...], set[str]] = defaultdict(set)
    doors: tuple[str, ...] = ()
    for line in section.splitlines():
        cells = line.strip("|").split("|") if line.startswith("|") else []
        if len(cells) == 3 and "`" in cells[1]:
            doors = tuple(re.findall(r"`([^`]+)`", cells[0])) or doors
            told[doors] |= set(re.findall(r"`([^`]+\.py)`", cells[1]))
    return told


def test_every_door_stands_in_the_table() -> None:
    """Each with the files that open it, and no others: where a line comes or goes, so does its file there."""
    found, told = _found(), _told()
    assert {door for doors in told for door in doors} == found.keys()
    assert {doors: set().union(*(found[door] for door in doors)) for doors in told} == dict(told)
