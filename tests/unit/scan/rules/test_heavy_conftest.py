"""Conftest files."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.rules.heavy_conftest import RULE

from ..checks import check_found, check_noop


@pytest.mark.parametrize("text", ["import json", "def pytest_configure():\n    import torch"])
def test_light_conftest_files_are_none(text: str) -> None:
    """Nor what is imported by a function there."""
    check_noop(RULE.name, text, file="tests/conftest.py")


def test_other_files_are_none() -> None:
    """They are of other rules."""
    check_noop(RULE.name, "import torch", file="tests/test_it.py")


def test_each_import_is_told() -> None:
    """With what it names."""
    expected = {1: "'torch.nn' is imported for every test below", 2: "'app.worker' is imported for every test below"}
    check_found(RULE.name, "import torch.nn\nfrom app.worker import run\n", expected, file="tests/conftest.py")
