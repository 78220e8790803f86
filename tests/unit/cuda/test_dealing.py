"""Which devices each worker is dealt."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_heavyimports.cuda.dealing import Worker, share_of, worker_of


@pytest.mark.parametrize(
    ("devices", "workers", "shares"),
    [
        ("abcd", 2, ["ac", "bd"]),
        ("abc", 2, ["ac", "b"]),
        ("ab", 2, ["a", "b"]),
        ("ab", 5, ["a", "b", "a", "b", "a"]),
        ("a", 3, ["a", "a", "a"]),
        ("", 2, ["", ""]),
    ],
)
def test_shares(devices: str, workers: int, shares: list[str]) -> None:
    """Whole devices where there are enough, else shared ones."""
    assert ["".join(share_of(devices, number, workers)) for number in range(workers)] == shares


@given(st.integers(1, 20), st.integers(1, 20))
def test_all_devices_are_dealt_evenly(devices: int, workers: int) -> None:
    """Every worker has a device; no two share one needlessly; no device serves two workers more than another."""
    shares = [share_of(range(devices), number, workers) for number in range(workers)]
    served = Counter(device for share in shares for device in share)
    assert all(shares)
    assert set(served) == set(range(devices))
    assert max(served.values()) - min(served.values()) <= 1
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    if devices >= workers:
        assert set(served.values()) == {1}


def test_a_worker_in_the_place_of_one_that_died() -> None:
    """It has a number beyond those of the others, and a share like theirs."""
    assert share_of("ab", 7, 2) == ["b"]
    assert share_of("abcd", 5, 2) == ["b", "d"]


@pytest.mark.parametrize(
    ("environ", "worker"),
    [
        ({}, None),
        ({"PYTEST_XDIST_WORKER": "gw3"}, None),
        ({"PYTEST_XDIST_WORKER": "gw3", "PYTEST_XDIST_WORKER_COUNT": "0"}, None),
        ({"PYTEST_XDIST_WORKER": "mine", "PYTEST_XDIST_WORKER_COUNT": "4"}, None),
        (
            {"PYTEST_XDIST_WORKER": "gw13", "PYTEST_XDIST_WORKER_COUNT": "16", "PYTEST_XDIST_TESTRUNUID": "f0"},
            Worker("gw13", 13, 16, "f0"),
        ),
    ],
)
def test_workers(environ: dict[str, str], worker: Worker | None) -> None:
    """As pytest-xdist tells of them in the environment."""
    assert worker_of(environ) == worker
