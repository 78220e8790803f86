"""Files with light and heavy tests."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.rules.mixed_file import RULE

from ..checks import check_found, check_noop, found, source

LIGHT = "def test_light():\n    pass\n\n"


@pytest.mark.parametrize(
    "user",
    [
        "def test_it():\n    torch.ones(2)",
        "SIZE = torch.ones(2)\n\ndef test_it():\n    assert SIZE",
        "def helper():\n    return torch\n\ndef test_it():\n    helper()",
        "@pytest.fixture\ndef model():\n    return torch\n\ndef test_it(model):\n    pass",
        "@pytest.fixture(name='net')\ndef model():\n    return torch\n\ndef test_it(net):\n    pass",
        "@pytest.fixture\ndef model():\n    return torch\n\n@pytest.mark.usefixtures('model')\ndef test_it():\n    pass",
        "@pytest.mark.parametrize('x', [torch.ones(2)])\ndef test_it(x):\n    pass",
        "class TestIt:\n    def make(self):\n        return torch\n\n    def test_it(self):\n        self.make()",
        "class TestIt:\n    def setup_method(self):\n        self.x = torch\n\n    def test_it(self):\n        pass",
        "class TestIt(torch.testing.TestCase):\n    def test_it(self):\n        pass",
        "def test_it(heavy):\n    pass",
        "def test_it():\n    from app import worker",
    ],
)
def test_a_test_needs_what_it_reaches(user: str) -> None:
    """Directly, by helpers, constants, fixtures, decorators, members of its class."""
    text = f"import torch\nimport pytest\n\n{LIGHT}{user}\n"
    assert found(RULE.name, text, fixtures=["heavy"]) == {1: "'torch' is imported for 1 of 2 tests"}


@pytest.mark.parametrize(
    "everybody",
    [
        "pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason='')",
        "@pytest.fixture(autouse=True)\ndef seeded():\n    torch.manual_seed(0)",
        "def setup_module():\n    torch.manual_seed(0)",
        "def setup_function():\n    torch.manual_seed(0)",
    ],
)
def test_what_is_done_for_all_tests_makes_all_heavy(everybody: str) -> None:
    """Then the import is where it belongs."""
    check_noop(RULE.name, f"import torch\nimport pytest\n\n{everybody}\n\n{LIGHT}")


def test_a_module_that_nobody_needs_is_told() -> None:
    """And several of them in one finding, at the first."""
    check_found(
        RULE.name,
        f"import os\nimport torch\nfrom app import worker\n\n{LIGHT}",
        {2: "'torch' and 1 more are imported for 0 of 1 tests"},
    )


def test_a_flag_of_an_optional_import_is_heavy() -> None:
    """Who asks whether torch is there imports it."""
    check_noop(
        RULE.name,
        "try:\n    import torch\n    HAS = True\nexcept ImportError:\n    HAS = False\n\ndef test_it():\n    assert HAS\n",
    )


def test_names_by_a_star_may_be_anybodys() -> None:
    """Which test needs them can't be told."""
    check_noop(RULE.name, f"from torch import *\n\n{LIGHT}")


def test_a_heavy_package_is_imported_before_its_files() -> None:
    """No light part of a file could be light there."""
    in_package = source(f"import torch\n\n{LIGHT}", module="app.model.tests.test_it")
    assert list(RULE.find(in_package)) == []
