"""Imports in functions."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.rules.function_import import RULE

from ..checks import check_found, check_noop, found


@pytest.mark.parametrize(
    "text",
    [
        "import torch\n\ndef test_it():\n    torch.ones(2)",
        "def test_it():\n    import json",
        "def test_it():\n    from app import schemas",
        "from typing import TYPE_CHECKING\n\ndef test_it():\n    if TYPE_CHECKING:\n        import torch",
        "def test_it():\n    text = 'import torch'",
        "import torch\n\nclass Test:\n    import torch.nn",
    ],
    ids=["at the top", "light", "light part of a package", "for type checkers", "text", "in a class"],
)
def test_light_or_early_imports_are_none(text: str) -> None:
    """What is done when the file is imported, or brings in nothing heavy."""
    check_noop(RULE.name, text)


def test_each_function_is_named_with_its_kind() -> None:
    """Tests, fixtures, helpers; methods with their class."""
    check_found(
        RULE.name,
        """
        import pytest

        @pytest.fixture
        def model():
            import torch
            return torch

        def helper():
            from torch import nn

        class TestIt:
            async def test_one(self):
                with helper():
                    from app.worker import run
        """,
        {
            5: "'torch' is imported in fixture model",
            9: "'torch' is imported in function helper",
            14: "'app.worker' is imported in test TestIt::test_one",
        },
    )


@pytest.mark.parametrize(
    "call", ["pytest.importorskip('torch')", "importlib.import_module('torch')", "__import__('torch')"]
)
def test_calls_that_import_count(call: str) -> None:
    """A function that imports is an import."""
    check_found(RULE.name, f"def test_it():\n    torch = {call}\n", {2: "'torch' is imported in test test_it"})


def test_a_relative_import_is_followed() -> None:
    """From the package that pytest imports the file in."""
    from pytest_heavyimports.scan.rules.rule import Found

    from ..checks import source

    of_app = source("def test_it():\n    from ..model import Net\n", module="app.tests.test_it")
    assert [each.chain for each in RULE.find(of_app)] == [("app.model", "torch")]
    assert all(isinstance(each, Found) for each in RULE.find(of_app))


def test_an_ignore_of_another_rule_is_none() -> None:
    """The comment names the rule; without a name it is for all."""
    text = "def test_it():\n    import torch  # heavyimports: ignore{}\n"
    assert found(RULE.name, text.format("[reload] no")) != {}
    assert found(RULE.name, text.format(" all of it")) == {}
