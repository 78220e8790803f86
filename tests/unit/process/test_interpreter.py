"""How another interpreter is started as this one was."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pytest_heavyimports.process.interpreter import interpreter_flags

if TYPE_CHECKING:
    import pytest


def test_options_of_x_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """With their values, those that multiprocessing doesn't know too."""
    monkeypatch.setattr(sys, "_xoptions", {"one": True, "two": "2"})
    assert [flag for flag in interpreter_flags() if flag in ("-Xone", "-Xtwo=2")] == ["-Xone", "-Xtwo=2"]


def test_warnings_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were given by -W."""
    monkeypatch.setattr(sys, "warnoptions", ["error::ResourceWarning"])
    assert "-Werror::ResourceWarning" in interpreter_flags()
