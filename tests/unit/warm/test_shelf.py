"""What decides whether a run gets a module that was imported before it."""

from __future__ import annotations

import json
import sys
import types
import zipfile
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from pytest_heavyimports.warm.inputs import Files
from pytest_heavyimports.warm.shelf import Shelf
from pytest_heavyimports.warm.watching import ImportWatch, Scope
from pytest_heavyimports.warm.world import Set

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


class Shelved(NamedTuple):
    """A package that was imported and put on the shelf, which is a finder now."""

    shelf: Shelf
    module: types.ModuleType
    scope: Scope


@pytest.fixture
def shelved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelved]:
    """One that uses ``json`` and looks for a module that is missing."""
    (tmp_path / "zshelved.py").write_text(
        "import json\ntry: import zmissing\nexcept ImportError: pass\njson.added = 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.delenv("ZSHELVED", raising=False)
    watch = ImportWatch()
    shelf = Shelf(watch)
    watch.begin_base()
    watch.world.begin()
    with watch.watching("zshelved"):
        module = import_module("zshelved")
    sys.meta_path.insert(0, shelf)
    shelf.put_up((), sys.path, Files())
    yield Shelved(shelf, module, watch.by_module["zshelved"])
    shelf.is_open = False
    for name in ("zshelved", "zmissing"):
        sys.modules.pop(name, None)
    vars(json).pop("added", None)


def test_a_run_gets_what_is_on_the_shelf(shelved: Shelved) -> None:
    """When it imports it, and not when it only asks; with what the import has done to others."""
    assert "zshelved" not in sys.modules
    assert not hasattr(json, "added")
    assert find_spec("zshelved") is not None
    assert not hasattr(json, "added")
    assert import_module("zshelved") is shelved.module
    assert vars(json)["added"] == 1
    assert shelved.shelf.doubts == {}


def test_what_is_taken_down_is_back(shelved: Shelved) -> None:
    """More is to be imported."""
    shelved.shelf.take_down()
    assert sys.modules["zshelved"] is shelved.module
    assert vars(json)["added"] == 1


def test_a_module_that_a_run_has_taken_away_is_executed_anew(shelved: Shelved) -> None:
    """As in any process."""
    import_module("zshelved")
    del sys.modules["zshelved"]
    assert import_module("zshelved") is not shelved.module


def _wanting(fullname: str) -> types.SimpleNamespace:
    return types.SimpleNamespace(find_spec=lambda name, *_: ModuleSpec(name, None) if name == fullname else None)


CHANGES: dict[str, tuple[Callable[[pytest.MonkeyPatch], object], str]] = {
    "a variable": (
        lambda patch: patch.setenv("ZSHELVED", "1"),
        "the variable ZSHELVED was set in it, and the import of zshelved may read it",
    ),
    "the directory": (
        lambda patch: patch.chdir("/"),
        "the directory is another one, and the import of zshelved may depend on it",
    ),
    "a module that was missing": (
        lambda patch: patch.setitem(sys.modules, "zmissing", json),
        "there is a module zmissing now",
    ),
    "a fake": (
        lambda patch: patch.setitem(sys.modules, "json", types.ModuleType("json")),
        "something else is in the place of json",
    ),
    "hooks": (lambda patch: patch.setattr(sys, "path_hooks", []), "sys.path_hooks was changed"),
    "a finder that is gone": (
        lambda patch: patch.setattr(sys, "meta_path", [one for one in sys.meta_path if one is not PathFinder]),
        "a finder was taken out of sys.meta_path",
    ),
    "a finder that wants to see it": (
        lambda patch: patch.setattr(sys, "meta_path", [_wanting("zshelved"), *sys.meta_path]),
        "SimpleNamespace in sys.meta_path wants to see the import of zshelved",
    ),
    "what coverage measures": (
        lambda patch: patch.setitem(sys.modules, "coverage", _coverage(**{"run:source_pkgs": ["zshelved"]})),
        "the import of zshelved is to be measured",
    ),
    "a directory that coverage measures": (
        lambda patch: patch.setitem(sys.modules, "coverage", _coverage(**{"run:source": ["."]})),
        "the import of zshelved is to be measured",
    ),
    "files that coverage includes": (
        lambda patch: patch.setitem(sys.modules, "coverage", _coverage(**{"run:include": ["*.py"]})),
        "files are included in what coverage measures",
    ),
}


def _coverage(**options: list[str]) -> types.ModuleType:
    """Coverage that is under way, in the version that doesn't know ``run:source_dirs``."""
    module = types.ModuleType("coverage")

    def get_option(name: str) -> list[str] | None:
        if name == "run:source_dirs":
            raise KeyError(name)
        return options.get(name)

    current = types.SimpleNamespace(get_option=get_option)
    module.Coverage = types.SimpleNamespace(current=lambda: current)  # type: ignore[attr-defined]  # a stand-in
    return module


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_what_decides_that_a_run_gets_another_one(
    shelved: Shelved, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Each circumstance of an import, in words."""
    make, why = CHANGES[change]
    make(monkeypatch)
    assert shelved.shelf._why_not([shelved.scope]) == why


def test_a_package_of_python_is_executed_anew(shelved: Shelved, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its import may have read something that has changed; the learner is told of it."""
    learnt: list[str] = []
    shelved.shelf.learner = learnt.append
    monkeypatch.setenv("ZSHELVED", "1")
    assert import_module("zshelved") is not shelved.module
    assert "zshelved" in learnt
    assert shelved.shelf.doubts == {}


def test_one_with_a_shared_library_makes_it_a_plain_run(shelved: Shelved, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as that can be; after that it is handed out, and there is a doubt."""
    given_up: list[tuple[list[str], str]] = []
    shelved.scope.has_extension = True
    shelved.shelf.give_up = lambda names, why: given_up.append((names, why))
    monkeypatch.setenv("ZSHELVED", "1")
    assert import_module("zshelved") is shelved.module
    why = "the variable ZSHELVED was set in it, and the import of zshelved may read it"
    assert given_up == [(["zshelved"], why)]
    assert shelved.shelf.doubts == {"zshelved": why}


def test_another_value_in_the_place_of_an_effect_is_a_doubt(shelved: Shelved) -> None:
    """What the import would have set can't be set any more."""
    (effect,) = [each for each in shelved.scope.effects if isinstance(each, Set)]
    effect.after = lambda: 1
    vars(json)["added"] = "by a run"
    import_module("zshelved")
    assert shelved.shelf.doubts == {"zshelved": "another value stands where its import sets json.added"}
