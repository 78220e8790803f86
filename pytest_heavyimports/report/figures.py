"""Figures for people."""

from __future__ import annotations


def seconds(us: int | None) -> str:
    """Microseconds as seconds; an empty text where there are none."""
    return "" if us is None else f"{us / 1e6:.2f} s"


def memory(count: int | None) -> str:
    """Bytes that came or went as MiB, with their sign; an empty text where there are none."""
    return "" if count is None else f"{count / 2**20:+.0f} MiB"


def percent(share: float | None) -> str:
    """A share of one; an empty text where there is none."""
    return "" if share is None else f"{share * 100:.0f} %"
