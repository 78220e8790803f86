"""Every case comes out as its case.json says, unguarded and in both modes of the guard."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .run import MODES, faults, folders, read_meta, run

NEEDED = {
    "torch": re.compile(r"^\s*(?:import|from) torch\b", re.MULTILINE),
    "numpy": re.compile(r"^\s*(?:import|from) numpy\b", re.MULTILINE),
}
PLUGINS = {"--cov": "pytest_cov", "-n": "xdist", "--timeout": "pytest_timeout"}


def _needed(folder: Path) -> set[str]:
    """What a case can't do without."""
    meta = read_meta(folder)
    code = "\n".join(file.read_text(encoding="utf-8") for file in folder.rglob("*.py"))
    modules = {name for name, used in NEEDED.items() if used.search(code) or name in meta["heavy_modules"]}
    return modules | {PLUGINS[arg.partition("=")[0]] for arg in meta["args"] if arg.partition("=")[0] in PLUGINS}


def _is_installed(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


def _parameters() -> Iterator[object]:
    for folder in folders():
        needed = _needed(folder)
        missing = sorted(name for name in needed if not _is_installed(name))
        marks = [pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")]
        marks += [pytest.mark.torch] if "torch" in needed else []
        for mode in MODES:
            yield pytest.param(folder, mode, id=f"{folder.name}-{mode}", marks=marks)


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "mode"), list(_parameters()))
def test_case(folder: Path, mode: str) -> None:
    """Unguarded the suite breaks as people have reported; guarded, only culprits fail, and they are named."""
    meta = read_meta(folder)
    seen = run(folder, meta, mode)
    said = list(faults(meta, mode, seen))
    assert not said, "\n".join([*said, seen.text])


def test_no_case_is_collected_here(request: pytest.FixtureRequest) -> None:
    """The suites of the cases run in processes of their own only."""
    collected = {item.path.parent for item in request.session.items}
    assert collected.isdisjoint(folders())
