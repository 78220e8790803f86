"""Who asks for a module that is blocked."""

from __future__ import annotations

import importlib
import sys
import threading

import pytest

from pytest_heavyimports.imports import lacking
from pytest_heavyimports.imports.lacking import Askers, blocked, watch_askers


@pytest.fixture(autouse=True)
def _blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "heavy", None)


def _ask(name: str = "heavy") -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(name)


def _is_watched() -> bool:
    return lacking._bootstrap._find_and_load is lacking._watched


def test_what_is_blocked() -> None:
    """A name with None in its place, and no other."""
    assert "heavy" in blocked()
    assert "sys" not in blocked()


@pytest.mark.parametrize("name", ["heavy", "heavy.part"])
def test_the_module_that_asks(name: str) -> None:
    """By its name, whether it asks for the module or for a part."""
    with watch_askers(["heavy", "other"]) as askers:
        _ask(name)
        _ask("nowhere")
    assert askers == {"heavy": [__name__]}
    _ask()
    assert askers == {"heavy": [__name__]}


def test_code_without_a_name() -> None:
    """Is nobody who can be named."""
    with watch_askers(["heavy"]) as askers, pytest.raises(ImportError):
        exec("import heavy", {})
    assert askers == {"heavy": [""]}


def test_one_that_is_there_by_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for it gets it."""
    with watch_askers(["heavy"]) as askers:
        monkeypatch.setitem(sys.modules, "heavy", sys)
        assert importlib.import_module("heavy") is sys
    assert askers == {}


def test_another_thread_is_not_watched() -> None:
    """Its imports are its own."""
    with watch_askers(["heavy"]) as askers:
        thread = threading.Thread(target=_ask)
        thread.start()
        thread.join()
    assert askers == {}


def test_nothing_is_patched_but_meanwhile() -> None:
    """Until the last one who watches has ended; for no names, not at all."""
    outer: Askers
    with watch_askers([]):
        assert not _is_watched()
    with watch_askers(["heavy"]) as outer:
        with watch_askers(["heavy"]) as inner:
            _ask()
        assert _is_watched()
        _ask()
    assert not _is_watched()
    assert (len(outer["heavy"]), len(inner["heavy"])) == (2, 1)


def test_who_has_patched_it_since_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not put back over another one's."""
    monkeypatch.setattr(lacking._bootstrap, "_find_and_load", lacking._find_and_load)  # which comes back at the end
    with watch_askers(["heavy"]):
        watched = lacking._bootstrap._find_and_load

        def theirs(*args: object) -> object:
            return watched(*args)

        lacking._bootstrap._find_and_load = theirs
    assert lacking._bootstrap._find_and_load is theirs
