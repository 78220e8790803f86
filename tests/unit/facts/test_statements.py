"""The imports in a file."""

from __future__ import annotations

import ast

import pytest

from pytest_heavyimports.facts.statements import (
    Site,
    dotted_name,
    import_sites,
    is_sys_modules,
    last_name,
    text_of,
    walk,
)


def sites(text: str, package: str = "tests.unit") -> list[Site]:
    """Those in a text."""
    return list(import_sites(ast.parse(text), package))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import torch.nn", [("torch", ("torch.nn",))]),
        ("import torch.nn as nn, os", [("nn", ("torch.nn",)), ("os", ("os",))]),
        ("from torch import nn as n", [("n", ("torch.nn", "torch"))]),
        ("from torch import *", [("*", ("torch",))]),
        ("from . import checks", [("checks", ("tests.unit.checks", "tests.unit"))]),
        ("from ..support import x", [("x", ("tests.support.x", "tests.support"))]),
        ("torch = pytest.importorskip('torch')", [("torch", ("torch",))]),
        ("importlib.import_module('torch.nn')", [("", ("torch.nn",))]),
    ],
)
def test_each_name_and_what_it_may_be(text: str, names: list[tuple[str, tuple[str, ...]]]) -> None:
    """A part of a package, or an object of it; relative imports start from the package."""
    [site] = sites(text)
    assert list(site.names) == names
    assert list(site.modules) == [modules for _, modules in names]


@pytest.mark.parametrize(
    "text",
    [
        "if TYPE_CHECKING:\n    import torch",
        "if typing.TYPE_CHECKING:\n    import torch",
        "import_module(name)",
        "importorskip('')",
        "print('torch')",
    ],
)
def test_what_is_no_import(text: str) -> None:
    """For type checkers alone, or of nobody knows what."""
    assert sites(text) == []


def test_where_it_stands() -> None:
    """In which functions and classes, and in which statements of the innermost."""
    text = """
if x:
    class TestIt:
        def test_it(self):
            with x:
                try:
                    pass
                except ImportError:
                    import torch

if TYPE_CHECKING:
    import numpy
else:
    import json
"""
    first, second = sites(text)
    assert [owner.name for owner in first.owners] == ["TestIt", "test_it"]
    assert [type(block).__name__ for block in first.blocks] == ["With", "Try"]
    assert first.is_in_function
    assert not second.is_in_function
    assert [type(block).__name__ for block in second.blocks] == ["If"]


@pytest.mark.parametrize(
    ("text", "last", "dotted"),
    [
        ("c", "c", "c"),
        ("a.b.c", "c", "a.b.c"),
        ("a.b()", "b", "a.b"),
        ("a().c", "c", "a.c"),
        ("1", "", ""),
        ("[].c", "c", ""),
    ],
)
def test_names_of_expressions(text: str, last: str, dotted: str) -> None:
    """The last part, and all of it."""
    node = ast.parse(text, mode="eval").body
    assert (last_name(node), dotted_name(node)) == (last, dotted)


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("sys.modules", True),
        ("_sys.modules", True),
        ("'sys.modules'", True),
        ("os.modules", False),
        ("sys.path", False),
    ],
)
def test_sys_modules(text: str, *, is_it: bool) -> None:
    """As an expression, and as patch.dict takes it."""
    assert is_sys_modules(ast.parse(text, mode="eval").body) is is_it


def test_the_text_of_a_constant() -> None:
    """And of nothing else."""
    assert [text_of(node) for node in (ast.Constant("x"), ast.Constant(1), ast.Name("x"), None)] == [
        "x",
        None,
        None,
        None,
    ]


def test_every_node_is_walked_over() -> None:
    """As ast.walk does."""
    tree = ast.parse("def f(x=1, *y): return [g(z) for z in x if z]")
    assert {id(node) for node in walk(tree)} >= {id(node) for node in ast.walk(tree)}
