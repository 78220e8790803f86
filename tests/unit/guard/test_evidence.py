"""How modules were displaced, found in the source of whoever did it."""

from __future__ import annotations

import importlib.util
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_heavyimports.guard.evidence import Doer, How, definition, find_how, statements

HEADER = """\
import sys
from unittest import mock
from unittest.mock import patch

"""
BODY = 1 + HEADER.count("\n")
"""The line after it."""
Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes a file, after :data:`HEADER`, and executes it."""

    def load(text: str, name: str = "suite") -> ModuleType:
        file = tmp_path / f"{name}.py"
        file.write_text(HEADER + textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def _how(module: ModuleType, **facts: Any) -> tuple[str, int] | None:
    """The kind, and the line counted from the one after the header."""
    how = find_how(Doer(module.evict), "torch", **facts)
    return how and (how.kind, how.line and how.line - BODY + 1)


EVICTIONS = {
    "del": ("def evict():\n    del sys.modules['torch']\n", "del", 2),
    "pop": ("def evict():\n    sys.modules.pop('torch', None)\n", "del", 2),
    "a variable": ("def evict(name='torch'):\n    sys.modules.pop(name)\n", "del", 2),
    "clear": ("def evict():\n    sys.modules.clear()\n", "clear", 2),
    "purge": (
        "def evict():\n    for name in list(sys.modules):\n        if name[:5] == 'torch':\n            "
        "del sys.modules[name]\n",
        "purge",
        4,
    ),
    "purge in a comprehension": ("def evict():\n    [sys.modules.pop(n) for n in list(sys.modules)]\n", "purge", 2),
    "patch.dict": ("def evict():\n    with patch.dict(sys.modules, {'app': None}):\n        pass\n", "patch.dict", 2),
    "patch.dict by name": ("@mock.patch.dict('sys.modules')\ndef evict(): pass\n", "patch.dict", 1),
    "patch.dict on a class": (
        "@patch.dict(sys.modules)\nclass TestIt:\n    def evict(self): pass\nevict = TestIt.evict\n",
        "patch.dict",
        1,
    ),
    "snapshot filled back": (
        "def evict():\n    saved = dict(sys.modules)\n    yield\n"
        "    sys.modules.clear()\n    sys.modules.update(saved)\n",
        "snapshot",
        4,
    ),
    "snapshot of names": (
        "def evict():\n    before = set(sys.modules)\n    yield\n    for name in set(sys.modules) - before:\n"
        "        del sys.modules[name]\n",
        "snapshot",
        5,
    ),
    "snapshot compared": (
        "def evict():\n    before = {**sys.modules}\n    yield\n    for name in list(sys.modules):\n"
        "        if name not in before:\n            sys.modules.pop(name)\n",
        "snapshot",
        6,
    ),
    "an inner pytest": ("def evict(pytester):\n    pytester.runpytest_inprocess()\n", "pytester", 2),
    "monkeypatch of one's own": (
        "patches = None\ndef evict():\n    if patches: patches.delitem(sys.modules, 'torch')\n",
        "undo",
        3,
    ),
}


@pytest.mark.parametrize("case", EVICTIONS)
def test_kinds_of_evictions(load: Load, case: str) -> None:
    """Each has its kind, and the line of the statement."""
    text, kind, line = EVICTIONS[case]
    assert _how(load(text), is_new=kind != "undo") == (kind, line)


FAKES = {
    "assigned": ("def evict():\n    sys.modules['torch'] = mock.MagicMock()\n", "put", 2),
    "setdefault": ("def evict():\n    sys.modules.setdefault('torch', mock.MagicMock())\n", "put", 2),
    "update": ("def evict():\n    sys.modules.update({'torch': None})\n", "put", 2),
    "started": ("def evict():\n    patch.dict(sys.modules, {'torch': None}).start()\n", "undo", 2),
}


@pytest.mark.parametrize("case", FAKES)
def test_kinds_of_fakes(load: Load, case: str) -> None:
    """What stays though its owner has ended is put there, or nothing undoes it."""
    text, kind, line = FAKES[case]
    assert _how(load(text), is_fake=True) == (kind, line)
    assert kind == "undo" or _how(load(text)) is None, "nothing was taken out"


INNOCENT = {
    "another module": "def evict():\n    del sys.modules['numpy']\n",
    "undone by monkeypatch": "def evict(monkeypatch):\n    monkeypatch.delitem(sys.modules, 'torch')\n",
    "undone by patch.dict": "def evict():\n    with patch.dict(sys.modules, {'torch': None}): pass\n",
    "its own decorator": "@patch.dict(sys.modules)\ndef evict(): pass\n",
    "nothing": "def evict(): pass\n",
    "two kinds": "def evict(name='x'):\n    sys.modules.clear()\n    sys.modules.pop(name)\n",
}


@pytest.mark.parametrize("case", INNOCENT)
def test_what_could_not_have_done_it_is_not_named(load: Load, case: str) -> None:
    """A module that was there before, and is missing for good."""
    assert _how(load(INNOCENT[case]), is_new=False) is None


def test_what_is_still_going_on_may_be_undone_later(load: Load) -> None:
    """While its owner runs, what monkeypatch took out is out."""
    module = load("def evict(monkeypatch):\n    monkeypatch.delitem(sys.modules, 'torch')\n")
    assert _how(module, is_new=False, is_over=False) == ("monkeypatch", 2)


def test_of_several_statements_the_kind_alone_is_known(load: Load) -> None:
    """Both could have done it."""
    module = load("def evict():\n    sys.modules.pop('torch')\n    sys.modules.pop('torch', None)\n")
    assert find_how(Doer(module.evict), "torch") == How("del")


def test_the_statement_that_names_the_module_comes_first(load: Load) -> None:
    """Before one that could have meant any."""
    module = load("def evict(name='app'):\n    sys.modules.pop(name)\n    sys.modules.pop('torch')\n")
    assert _how(module) == ("del", 3)


def test_functions_that_are_called_are_looked_into(load: Load) -> None:
    """Those of the same file, of another module, of the class, of a fixture and of a closure; each once."""
    helpers = load("def purge():\n    purge\n    purge()\n    sys.modules.pop('torch')\n", "helpers")
    module = load(
        """
        def wrapped(function):
            def wrapper(): return function()
            return wrapper

        def local(): del sys.modules["a"]

        class Base:
            def tidy(self): del sys.modules["b"]

        class TestIt(Base):
            def setUp(self): del sys.modules["c"]
            def evict(self, given):
                self.tidy()
                local()
                helpers.purge()
                given()
                wrapped(lambda: None)
                len(unknown.thing)
        """
    )
    vars(module)["helpers"] = helpers
    given = load("def given(): del sys.modules['d']\n", "giving").given
    doer = Doer(module.TestIt().evict, arguments={"given": given, "self": module.TestIt})
    found = [(Path(each.file).stem, each.keys and set(each.keys)) for each in statements(doer)]
    assert sorted(found, key=str) == sorted(
        [("suite", {"a"}), ("suite", {"b"}), ("suite", {"c"}), ("giving", {"d"}), ("helpers", {"torch"})], key=str
    )


def test_phases_of_a_fixture(load: Load) -> None:
    """Its setup is what comes before the yield."""
    module = load("def evict():\n    sys.modules.pop('torch')\n    yield\n    sys.modules.pop('torch')\n")
    for phase, line in (("setup", 2), ("teardown", 4)):
        how = find_how(Doer(module.evict, phase=phase), "torch")
        assert how is not None
        assert how.line == line + BODY - 1


def test_a_file(tmp_path: Path) -> None:
    """Its own statements, and the functions that they call; not those that they don't."""
    file = tmp_path / "conftest.py"
    file.write_text(
        "import sys\n\ndef purge():\n    sys.modules.pop('torch')\n\n"
        "def other():\n    sys.modules.clear()\n\npurge()\n",
        encoding="utf-8",
    )
    assert find_how(Doer(files=(str(file),)), "torch") == How("del", str(file), 4, "sys.modules.pop('torch')")


def test_long_statements_are_cut(load: Load) -> None:
    """One line, of a width that a terminal has."""
    module = load(f"def evict():\n    sys.modules.pop('torch', {'x' * 90!r})\n")
    how = find_how(Doer(module.evict), "torch")
    assert how is not None
    assert len(how.text) == 80
    assert how.text.endswith("xxx...")


@pytest.mark.parametrize("text", [None, "def evict(:\n", "\0"])
def test_source_that_cannot_be_read(tmp_path: Path, text: str | None) -> None:
    """Nothing is found, and nothing is raised."""
    file = tmp_path / "suite.py"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert find_how(Doer(files=(str(file),)), "torch") is None


def test_where_a_function_begins(load: Load) -> None:
    """That of the project, without decorators."""
    module = load("def evict(): pass\n")
    assert definition(module.evict) == (module.__file__, BODY)
    assert definition(textwrap.dedent) is None
    assert definition(len) is None
    assert definition(None) is None
