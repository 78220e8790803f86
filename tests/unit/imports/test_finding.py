"""What other finders find, wherever ours is among them."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports.imports.finding import answers_itself, stand_behind

BOOTSTRAP: Any = importlib._bootstrap  # type: ignore[attr-defined]


class Noting:
    """Notes what it is handed."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """It finds nothing by itself."""

    def after(self, spec: Any, fullname: str, path: object, target: object) -> Any:  # noqa: ARG002  # as the finder's
        """It changes nothing."""
        self.asked.append(fullname)
        return spec


@pytest.fixture
def samples_to_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Modules that nobody has imported."""
    for name in ("found_one", "found_two", "found_three"):
        (tmp_path / f"{name}.py").write_text("")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("samples_to_import")
def test_it_is_handed_what_others_have_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not the first, or not there at all; until it is closed."""
    finder: Any = Noting()
    close = stand_behind(finder)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    importlib.import_module("found_one")
    assert finder.asked == []
    monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_spec=lambda *_: None), *sys.meta_path])
    importlib.import_module("found_two")
    assert finder.asked == ["found_two"]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("found_nowhere")
    close()
    importlib.import_module("found_three")
    assert finder.asked == ["found_two"]


def test_it_is_put_back() -> None:
    """But where somebody has put in another one since."""
    before = BOOTSTRAP._find_spec
    close = stand_behind(SimpleNamespace())  # type: ignore[arg-type]  # never asked
    assert BOOTSTRAP._find_spec is not before
    close()
    assert BOOTSTRAP._find_spec is before
    close = stand_behind(SimpleNamespace())  # type: ignore[arg-type]  # never asked
    BOOTSTRAP._find_spec = other = lambda *_: None
    close()
    assert BOOTSTRAP._find_spec is other
    BOOTSTRAP._find_spec = before


def test_a_python_without_that_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done to it."""
    before = BOOTSTRAP._find_spec
    monkeypatch.delattr(BOOTSTRAP, "_find_spec")
    close = stand_behind(SimpleNamespace())  # type: ignore[arg-type]  # never asked
    close()
    assert not hasattr(BOOTSTRAP, "_find_spec")
    monkeypatch.undo()
    assert BOOTSTRAP._find_spec is before


def test_a_later_session_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The innermost one."""
    outer, inner = Noting(), Noting()
    other = SimpleNamespace()
    monkeypatch.setattr(sys, "meta_path", [other, inner, outer])
    assert answers_itself(outer)
    assert not answers_itself(inner)
    monkeypatch.setattr(sys, "meta_path", [other])
    assert not answers_itself(outer)
