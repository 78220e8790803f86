"""What other plugins send from the process of an isolated test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_heavyimports.isolation import reports
from pytest_heavyimports.isolation.reports import pack_kept

if TYPE_CHECKING:
    import pytest


def test_plain_values_are_sent() -> None:
    """And what is like them, as in a report."""
    assert pack_kept("own", {"a": (1, None), "file": Path("a/b")}) == ("kept", "own", {"a": (1, None), "file": "a/b"})


def test_others_are_not() -> None:
    """Nothing stands in for them: the plugin would take that for what it has kept."""
    kind, name, fault = pack_kept("own", [print])
    assert (kind, name) == ("unsent", "own")
    assert fault == f"only plain values can be sent, which this is not: own: {print!r}"


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes more is not sent."""
    monkeypatch.setattr(reports, "KEPT_BYTES", 2**20)
    assert pack_kept("own", "x" * 2**21) == ("unsent", "own", "it takes 2 MiB, and up to 1 MiB can be sent")
