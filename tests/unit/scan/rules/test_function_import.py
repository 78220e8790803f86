"""Imports in functions."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.rules.function_import import RULE

from ..checks import check_found, check_noop, found, source


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

    of_app = source("def test_it():\n    from ..model import Net\n", module="app.tests.test_it")
    assert [each.chain for each in RULE.find(of_app)] == [("app.model", "torch")]
    assert all(isinstance(each, Found) for each in RULE.find(of_app))


BODY = "    import torch\n    from torch import nn\n    from app.worker import run\n"
METHOD = "    def test_it(self):\n        import torch\n"


@pytest.mark.parametrize(
    "text",
    [
        f"@pytest.mark.heavy_stub('json', 'torch')\ndef test_it():\n{BODY}",
        f"@pytest.mark.heavy_stub('torch')\n@pytest.mark.parametrize('x', [1])\ndef test_it(x):\n{BODY}",
        f"pytestmark = pytest.mark.heavy_stub('torch')\n\ndef test_it():\n{BODY}",
        f"def test_it():\n{BODY}\npytestmark = [pytest.mark.slow, pytest.mark.heavy_stub('torch')]\n",
        f"@pytest.mark.heavy_stub('torch')\nclass TestIt:\n{METHOD}",
        f"class TestIt:\n    pytestmark = pytest.mark.heavy_stub('torch')\n\n{METHOD}",
        f"def test_it(heavy_stub):\n    heavy_stub('torch').ones.return_value = 1\n{BODY}",
        "@pytest.mark.heavy_stub('torch')\ndef test_it():\n    with torch_free():\n        import torch",
        "@pytest.mark.heavy_stub('torch')\ndef test_it():\n    def inner():\n        import torch\n    inner()",
        "@pytest.mark.heavy_stub('app.model')\ndef test_it():\n    from app.worker import run",
    ],
    ids=[
        "mark",
        "among others",
        "of the file",
        "of the file, below",
        "of the class",
        "in the class",
        "fixture",
        "in a block",
        "inside",
        "code under test",
    ],
)
def test_an_import_of_a_stand_in_is_none(text: str) -> None:
    """The test doesn't pay for the real module, be it imported by others, and isn't a heavy one."""
    check_noop(RULE.name, text)
    it = source(text)
    assert [it.needs.is_heavy(test) for test in it.tests] == [False]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("@pytest.mark.heavy_stub('torchvision')\ndef test_it():\n    import torch", 3),
        ("@pytest.mark.heavy_stub('torch.nn')\ndef test_it():\n    import torch", 3),
        ("def test_it(heavy_stub):\n    import torch\n    heavy_stub('torch')", 2),
        ("def test_it(heavy_stub):\n    with x():\n        import torch\n        heavy_stub('torch')", 3),
        (
            "@pytest.mark.parametrize('x', [1, pytest.param(2, marks=pytest.mark.heavy_stub('torch'))])\n"
            "def test_it(x):\n    import torch",
            3,
        ),
        (f"def test_other(heavy_stub):\n    heavy_stub('torch')\n\ndef test_it():\n{BODY[:17]}", 5),
        ("@pytest.mark.heavy_stub('torch')\ndef test_a(): pass\n\ndef test_it():\n    import torch", 5),
        (f"class TestA:\n    pytestmark = pytest.mark.heavy_stub('torch')\n\nclass TestB:\n{METHOD}", 6),
        (f"class TestIt:\n    @pytest.mark.heavy_stub('torch')\n    def test_a(self): pass\n\n{METHOD}", 6),
        ("@pytest.mark.heavy_stub('torch')\ndef test_it():\n    from app import stages", 3),
    ],
    ids=[
        "another module",
        "a part",
        "afterwards",
        "afterwards in a block",
        "one parameter",
        "another call",
        "another mark",
        "another class",
        "another method",
        "another one heavy",
    ],
)
def test_an_import_of_something_else_counts(text: str, line: int) -> None:
    """Only the modules that are named have a stand-in, where it is asked for."""
    assert found(RULE.name, text).keys() == {line}
    it = source(text)
    assert [it.needs.is_heavy(test) for test in it.tests][-1]


def test_of_several_imports_in_a_line_one_can_be_that_of_a_stand_in() -> None:
    """The other is told."""
    text = "@pytest.mark.heavy_stub('torch')\ndef test_it():\n    import torch, app.stages\n"
    check_found(RULE.name, text, {3: "'app.stages' is imported in test test_it"})


def test_an_ignore_of_another_rule_is_none() -> None:
    """The comment names the rule; without a name it is for all."""
    text = "def test_it():\n    import torch  # heavyimports: ignore{}\n"
    assert found(RULE.name, text.format("[reload] no")) != {}
    assert found(RULE.name, text.format(" all of it")) == {}
