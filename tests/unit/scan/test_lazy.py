"""``lazy import``, as ``heavyimports scan``, ``fix`` and ``split`` read and write it, on every Python."""

from __future__ import annotations

import sys
import textwrap

import pytest

from pytest_heavyimports.errors import CommandRefused
from pytest_heavyimports.facts.statements import import_sites, parse
from pytest_heavyimports.scan.fix import check_python, objection_to_lazy
from pytest_heavyimports.scan.records import Project
from pytest_heavyimports.scan.rewrite import Placing, import_numbers, make_lazy

from .checks import check_found, check_noop, source

TEXT = """
    '''A text.

    lazy import text
    '''
    import os
    lazy import torch as t
    if os:
        lazy from torch import nn

    def test_heavy():
        t.ones(3)

    def test_light():
        pass
    """


def test_which_imports_are_lazy() -> None:
    """Those with the word, on their own lines; and what Python lists in ``__lazy_modules__`` where it goes by it."""
    for text in (textwrap.dedent(TEXT), textwrap.dedent(TEXT).encode()):
        sites = list(import_sites(parse(text), ""))
        assert [(site.node.lineno, site.is_lazy, site.is_at_once) for site in sites] == [
            (6, False, True),
            (7, True, False),
            (9, True, False),
        ]
    listed = "__lazy_modules__ = ['torch']\nimport torch\nfrom torch import nn\nimport os\n"
    is_lazy = sys.version_info >= (3, 15)
    assert [site.is_lazy for site in import_sites(parse(listed), "")] == [is_lazy, is_lazy, False]
    with pytest.raises(SyntaxError):
        parse("lazy import torch\nlazy nothing\n")


def test_a_file_with_lazy_imports_is_light() -> None:
    """The tests that use their names are heavy, and nothing is to be changed."""
    read = source(TEXT)
    assert not read.is_heavy
    assert [read.needs.is_heavy(test) for test in read.tests] == [True, False]
    check_noop("mixed-file", TEXT)
    check_noop("heavy-conftest", "lazy import torch\n", file="conftest.py")
    check_found("heavy-conftest", "import torch\n", {1: "'torch' is imported for every test below"}, file="conftest.py")


BEFORE = """\
import os

import torch
from torch import nn  # the parts
import torch.optim as optim

lazy import numpy


def test_it():
    import torch.cuda
    from torch import Tensor

    assert Tensor
"""
AFTER = """\
import os

lazy import torch
lazy from torch import nn  # the parts
lazy import torch.optim as optim

lazy import numpy
lazy import torch.cuda
lazy from torch import Tensor


def test_it():
    assert Tensor
"""


def test_imports_become_lazy() -> None:
    """Where they stand at the top, and with what is moved there; the rest stays as it is, to the character."""
    tree = parse(BEFORE)
    numbers = {node.lineno: number for node, number in import_numbers(tree).items()}  # type: ignore[attr-defined]
    changed = make_lazy(BEFORE.encode(), [numbers[3], numbers[4], numbers[5]], [numbers[11], numbers[12]], Placing())
    assert changed.decode() == AFTER


@pytest.mark.parametrize(
    ("text", "objection"),
    [
        ("import torch", ""),
        ("if True:\n    import torch", ""),
        ("try:\n    import torch\nexcept ImportError: pass", "it stands in a block, such as try"),
        ("with pytest.raises(ImportError):\n    import torch", "it stands in a block, such as try"),
        ("from torch import *", "'import *' can't be lazy"),
        ("class A:\n    import torch", "an import in a class can't be lazy"),
        ("torch = pytest.importorskip('torch')", "importorskip is no import statement"),
    ],
)
def test_what_can_not_be_lazy(text: str, objection: str) -> None:
    """By the language, or since the import is meant to be done."""
    (site,) = import_sites(parse(text), "")
    assert objection_to_lazy(site).startswith(objection)
    assert bool(objection_to_lazy(site)) == bool(objection)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (">=3.15", None),
        (">=3.16,<4", None),
        (">=3.10", "pyproject.toml says requires-python = '>=3.10'"),
        ("3.15 or so", "pyproject.toml says requires-python = '3.15 or so'"),
        ("", "pyproject.toml says nothing about it"),
    ],
)
def test_a_project_that_allows_older_pythons(tmp_path, asked: str, said: str | None) -> None:
    """It would be broken there."""
    if asked:
        (tmp_path / "pyproject.toml").write_text(f"[project]\nrequires-python = '{asked}'\n", encoding="utf-8")
    project = Project(tmp_path, (), {}, None, (), (), (), (), (), tmp_path)
    if said is None:
        check_python(project)
        return
    with pytest.raises(CommandRefused, match=said):
        check_python(project)
