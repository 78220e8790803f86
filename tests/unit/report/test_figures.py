"""Figures for people."""

from __future__ import annotations

from pytest_heavyimports.report.figures import memory, percent, seconds


def test_each_figure_has_its_unit() -> None:
    """Seconds to two digits, memory with its sign, shares without a digit after the point."""
    assert [seconds(us) for us in (0, 4_999, 1_236_000)] == ["0.00 s", "0.00 s", "1.24 s"]
    assert [memory(count) for count in (0, 2**21, -3 * 2**20)] == ["+0 MiB", "+2 MiB", "-3 MiB"]
    assert [percent(share) for share in (0.0, 0.254, 1.0)] == ["0 %", "25 %", "100 %"]


def test_what_is_unknown_is_an_empty_text() -> None:
    """Not a zero."""
    assert [seconds(None), memory(None), percent(None)] == ["", "", ""]
