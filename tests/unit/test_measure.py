"""What a block of code costs."""

from __future__ import annotations

import sys
import time

import pytest

from pytest_heavyimports import measure
from pytest_heavyimports.measure import Cost, rss_bytes

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the resident set is read from /proc")


def test_seconds_are_those_of_the_wall_clock() -> None:
    """Waiting counts."""
    with Cost() as cost:
        time.sleep(0.05)
    assert 0.05 <= cost.duration_s < 5


@linux_only
def test_growth_of_the_resident_set_is_in_bytes() -> None:
    """64 MiB that are written to are at least 60 MiB of growth, and not a thousand times as much."""
    with Cost() as cost:
        block = bytearray(b"x") * (64 * 2**20)
    assert len(block) == 64 * 2**20
    assert cost.rss_growth_bytes is not None
    assert 60 * 2**20 < cost.rss_growth_bytes < 1000 * 2**20


def test_an_error_passes_and_the_cost_is_known() -> None:
    """A failed import has a cost, too."""
    cost = Cost()
    with pytest.raises(OSError, match="broken"), cost:
        raise OSError("broken")
    assert cost.duration_s >= 0


def test_without_proc_the_growth_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Where the system doesn't tell the resident set, nobody guesses it."""
    monkeypatch.setattr(measure, "_STATM", f"{tmp_path}/not-there")
    with Cost() as cost:
        pass
    assert rss_bytes() is None
    assert cost.rss_growth_bytes is None
    assert cost.duration_s >= 0
