"""Why a package can't be initialised twice."""

from __future__ import annotations

import gc
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from types import ModuleType

import pytest

from pytest_heavyimports.imports.known import KNOWN, why_not_twice


@pytest.mark.parametrize("reason", KNOWN.values(), ids=KNOWN)
def test_reasons_are_sentences_without_a_full_stop(reason: str) -> None:
    """A reason stands behind "why:" and has one line."""
    assert reason
    assert not reason.endswith(".")
    assert "\n" not in reason


def test_the_innermost_name_gives_the_reason() -> None:
    """torch.overrides breaks in another way than torch, whose reason the rest of it has."""
    assert why_not_twice("torch.overrides", "") == (
        "it adds docstrings to C functions, once per process (function '_has_torch_function')"
    )
    assert why_not_twice("torch.nn.functional", "") == why_not_twice("torch", "")
    assert why_not_twice("torch", "") == (
        'its C++ operator registry lives as long as the process (TORCH_LIBRARY "triton")'
    )


def test_loaded_extension_modules_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of which an extension module is loaded is told with its name."""
    module = ModuleType("extpkg._core")
    module.__spec__ = ModuleSpec("extpkg._core", None, origin=f"/site/extpkg/_core{EXTENSION_SUFFIXES[0]}")
    monkeypatch.setitem(sys.modules, "extpkg._core", module)
    expected = "it has extension modules (extpkg._core), whose C state lives as long as the process"
    assert why_not_twice("extpkg", "'extpkg' (pytest.ini)") == expected
    assert why_not_twice("extpkg.part", "'extpkg' (pytest.ini)") == expected
    assert why_not_twice("extpkgs", "'extpkgs' (pytest.ini)") != expected


def test_another_thread_may_import_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to Python 3.11 the collector runs, and with it whatever else, in the middle of a listing."""
    names = [f"came{number}" for number in range(10_000)]

    def come(phase: str, _: object) -> None:
        if phase == "start":
            monkeypatch.setitem(sys.modules, names.pop(), sys)

    thresholds = gc.get_threshold()
    gc.callbacks.append(come)
    gc.set_threshold(1)
    try:
        reason = why_not_twice("plainpkg", "'plainpkg'")
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(come)
    assert len(names) < 10_000
    assert reason.startswith("it is declared as 'plainpkg'")


def test_the_rest_is_protected_by_its_declaration() -> None:
    """Where nothing else is known, the declaration is the reason."""
    assert why_not_twice("plainpkg", "'plainpkg >= 2' (pytest.ini, [pytest], line 1 of heavy_modules)") == (
        "it is declared as 'plainpkg >= 2' (pytest.ini, [pytest], line 1 of heavy_modules), "
        "which the session imports once: a second copy has other classes"
    )
