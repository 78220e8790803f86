"""What a rule is, and what it finds."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..source import Source


class Found(NamedTuple):
    """One place in a file."""

    node: ast.stmt | ast.expr
    message: str
    """What is there, in a sentence without a full stop."""
    chain: tuple[str, ...] = ()
    """From what is imported to the heavy module."""


class Rule(NamedTuple):
    """Something to look for."""

    name: str
    why: str
    """Why it is told, in a sentence."""
    remedy: str
    """What to do instead, in a sentence."""
    find: Callable[[Source], Iterator[Found]]
