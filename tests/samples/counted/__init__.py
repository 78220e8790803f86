"""Counts its executions."""

from __future__ import annotations

from executions import record

record(__name__)

__version__ = "1.5"

answer = 42


class Thing:
    """Something to look up by a dotted name."""

    size = 7


def greet(name: str) -> str:
    """Say hello."""
    return f"hello {name}"
