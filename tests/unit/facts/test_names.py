"""Arithmetic on module names."""

from __future__ import annotations

import pytest

from pytest_heavyimports.facts.names import is_dotted, is_within, lineage, root


@pytest.mark.parametrize(("fullname", "expected"), [("torch", "torch"), ("torch.nn.functional", "torch")])
def test_root_is_the_top_level_name(fullname: str, expected: str) -> None:
    """The root of a dotted name is its first part."""
    assert root(fullname) == expected


@pytest.mark.parametrize(
    ("fullname", "package", "expected"),
    [
        ("torch", "torch", True),
        ("torch.nn.functional", "torch.nn", True),
        ("torchvision", "torch", False),
        ("torch", "torch.nn", False),
        ("a.torch", "torch", False),
    ],
)
def test_is_within_goes_by_whole_parts(fullname: str, package: str, expected: bool) -> None:
    """A module lies in a package if the package's parts are its first ones."""
    assert is_within(fullname, package) is expected


def test_lineage_goes_from_the_innermost_name_outwards() -> None:
    """The lineage of a name is the name, then its parents, the nearest first."""
    assert list(lineage("a.b.c")) == ["a.b.c", "a.b", "a"]
    assert list(lineage("a")) == ["a"]
    assert list(lineage("")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("torch", True),
        ("src.worker._pipeline2", True),
        ("", False),
        (".torch", False),
        ("torch.", False),
        ("a..b", False),
        ("scikit-learn", False),
        ("2d", False),
        ("a b", False),
    ],
)
def test_a_dotted_name_has_identifiers_between_its_dots(text: str, expected: bool) -> None:
    """Relative names, empty parts and the names of distributions are no dotted names."""
    assert is_dotted(text) is expected
