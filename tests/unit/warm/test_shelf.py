"""What decides whether a run gets a module that was imported before it."""

from __future__ import annotations

import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.warm.shelf import Shelf
from pytest_heavyimports.warm.watching import ImportWatch, Scope

if TYPE_CHECKING:
    from pathlib import Path

OTHER_ORDER = "sys.path has lost a directory, or has another order, and wanted is found elsewhere"


@pytest.mark.parametrize(
    ("then", "now", "fault"),
    [
        ("own other", "own other", ""),
        ("other own", "own other", ""),
        ("other own", "own other own", ""),
        ("own other", "new own other", ""),
        ("own other", "other", OTHER_ORDER),
        ("own second", "second own", OTHER_ORDER),
        ("own other", "second own other", "wanted is also in second, which was added to sys.path"),
        ("own other", "zipped own other", "wanted is also in zipped, which was added to sys.path"),
        ("own other", "own looked other", "missing is also in looked, which was added to sys.path"),
    ],
)
def test_another_path_matters_where_a_module_is_found_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str, now: str, fault: str
) -> None:
    """Its order alone doesn't: pytest puts a directory first that is in PYTHONPATH as well."""
    monkeypatch.chdir(tmp_path)
    for file in ("own/wanted.py", "second/wanted.py", "other/unused.py", "new/unused.py", "looked/missing.py"):
        path = tmp_path / file
        path.parent.mkdir()
        path.touch()
    with zipfile.ZipFile("zipped", "w") as archive:
        archive.writestr("wanted.py", "")
    scope = Scope("wanted", {})
    scope.modules["wanted"] = sys
    scope.absent.add("missing")
    shelf = Shelf(ImportWatch())
    shelf._path = [*then.split(), *sys.path]
    monkeypatch.setattr(sys, "path", [*now.split(), *sys.path])
    assert shelf._of_path([scope]) == fault
