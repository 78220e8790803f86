"""The garbage collector during heavy imports."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from pytest_heavyimports.imports.collector import CollectorPause


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    """What a test freezes is thawed again."""
    yield
    gc.unfreeze()


def test_it_stands_still_from_the_first_entry_to_the_last_exit() -> None:
    """Nested imports end the pause once, with the outermost."""
    pause = CollectorPause("pause")
    with pause:
        assert not gc.isenabled()
        with pause:
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_runs_again_after_an_error() -> None:
    """A failed import doesn't leave the collector switched off."""
    with pytest.raises(OSError, match="broken"), CollectorPause("pause"):
        raise OSError("broken")
    assert gc.isenabled()


@pytest.mark.parametrize("mode", ["pause", "freeze"])
def test_who_has_switched_it_off_finds_it_off(mode: str) -> None:
    """A collector that was off before stays off."""
    gc.disable()
    try:
        with CollectorPause(mode):
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_off_leaves_it_alone() -> None:
    """With ``heavy_gc = off`` the collector runs during an import."""
    with CollectorPause("off"):
        assert gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_freeze_takes_what_came_in_from_the_collector() -> None:
    """With ``heavy_gc = freeze`` what is there at the last exit is never walked again, and not before."""
    pause = CollectorPause("freeze")
    with pause:
        with pause:
            pass
        assert gc.get_freeze_count() == 0
    assert gc.get_freeze_count() > 0
    assert gc.isenabled()


def test_pause_freezes_nothing() -> None:
    """The default takes nothing from the collector for good."""
    with CollectorPause("pause"):
        pass
    assert gc.get_freeze_count() == 0


def test_overlapping_imports_of_two_threads_are_one_pause() -> None:
    """The collector stays off until the import that ends last has ended."""
    pause = CollectorPause("pause")
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with pause:
            inside.set()
            leave.wait(timeout=10)

    thread = threading.Thread(target=other)
    with pause:
        thread.start()
        assert inside.wait(timeout=10)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()
