"""Fakes that stay."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.rules.fake import RULE

from ..checks import check_found, check_noop


@pytest.mark.parametrize(
    "text",
    [
        "sys.modules['yaml'] = Mock()",
        "def test_it():\n    sys.modules['torch'] = saved",
        "sys.path['torch'] = 1; sys.modules",
    ],
    ids=["light", "put back", "another table"],
)
def test_what_is_no_fake_of_something_heavy_is_none(text: str) -> None:
    """Nor what was taken out and is put back."""
    check_noop(RULE.name, text)


@pytest.mark.parametrize(
    "statement",
    [
        "sys.modules['torch'] = Mock()",
        "sys.modules['torch'] = fake",
        "sys.modules.setdefault('torch', Mock())",
        "sys.modules.update({'torch': Mock()})",
    ],
)
def test_each_way_at_the_top_is_found(statement: str) -> None:
    """By subscript and by the methods of a dict."""
    check_found(RULE.name, f"{statement}\n", {1: "a fake of 'torch' is left in sys.modules by the file"})


def test_a_fake_in_a_function_is_told_with_it() -> None:
    """Where nothing takes it out."""
    text = "def test_it():\n    sys.modules['torch.nn'] = Mock()\n"
    check_found(RULE.name, text, {2: "a fake of 'torch.nn' is left in sys.modules by test_it"})
