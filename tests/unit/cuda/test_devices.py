"""Which devices ``CUDA_VISIBLE_DEVICES`` names, and what CUDA shows of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_heavyimports.cuda.devices import Device, named_devices, seen_devices

GPUS = [Device(number, f"gpu {number}", f"GPU-{letter}1-2") for number, letter in enumerate("abc")]
PARTS = [Device(0, "part", "GPU-a1-2", f"MIG-{letter}3-4", (8, 0), 10, 5) for letter in "de"]
MIXED = [*PARTS, Device(1, "whole", "GPU-b1-2")]


@pytest.mark.parametrize(
    ("value", "entries", "numbers"),
    [
        (None, ["0", "1", "2"], [0, 1, 2]),
        ("2,0", ["2", "0"], [2, 0]),
        (" 1 , 2 ", ["1", "2"], [1, 2]),
        ("1gpu2", ["1gpu2"], [1]),
        ("", [], []),
        ("-1", [], []),
        ("none", [], []),
        ("0,-1,2", ["0"], [0]),  # the first that names nothing ends the list
        ("1,3,0", ["1"], [1]),
        ("1,1", [], []),  # twice: none at all
        ("GPU-b1-2,GPU-a1-2", ["GPU-b1-2", "GPU-a1-2"], [1, 0]),
        ("GPU-c", ["GPU-c"], [2]),
        ("GPU-", [], []),  # names all of them
        ("GPU-x", [], []),
        ("GPU-b,1", [], []),
        ("MIG-d3-4", [], []),
    ],
)
def test_whole_gpus(value: str | None, entries: list[str], numbers: list[int]) -> None:
    """By number, id or the beginning of an id, in the order of the variable."""
    named = named_devices(GPUS, value)
    assert list(named) == entries
    assert [device.gpu for device in named.values()] == numbers


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        (None, ["MIG-d3-4", "MIG-e3-4", "1"]),
        ("0", ["MIG-d3-4", "MIG-e3-4"]),
        ("GPU-a", ["MIG-d3-4", "MIG-e3-4"]),
        ("MIG-e,1", ["MIG-e", "1"]),
        ("MIG-", []),
        ("MIG-d,0", []),
        ("MIG-GPU-a1-2/7/0", ["MIG-GPU-a1-2/7/0"]),
        ("MIG-GPU-x/7/0", []),
    ],
)
def test_partitioned_gpus(value: str | None, entries: list[str]) -> None:
    """Each instance by an entry of its own, so that it can be dealt."""
    assert list(named_devices(MIXED, value)) == entries


def test_an_instance_in_the_old_notation() -> None:
    """Its GPU is known, and which part of it is not."""
    (device,) = named_devices(MIXED, "MIG-GPU-a1-2/7/0").values()
    assert device == Device(0, "part", "GPU-a1-2", "MIG-GPU-a1-2/7/0", (8, 0))


def test_cuda_shows_one_instance() -> None:
    """And with an instance no whole GPU."""
    assert seen_devices([GPUS[1], *PARTS]) == [PARTS[0]]
    assert seen_devices(GPUS) == GPUS
    assert seen_devices([]) == []


@given(st.lists(st.sampled_from(["0", "1", "2", "7", "-1", "", "GPU-a", "GPU-", "GPU-c1-2", "MIG-d", "x"])))
def test_entries_name_what_they_are_given_for(entries: list[str]) -> None:
    """What is named can be named again by the entries that were told for it, whole or a part."""
    for devices in (GPUS, MIXED):
        named = named_devices(devices, ",".join(entries))
        assert named_devices(devices, ",".join(named) if named else None) == (named or named_devices(devices, None))
        for entry, device in named.items():
            assert named_devices(devices, entry) == {entry: device}
