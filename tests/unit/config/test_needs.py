"""What a mark ``cuda`` may say."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_heavyimports.config.needs import Needs, combined_needs, read_needs, read_size


@pytest.mark.parametrize(
    ("size", "size_bytes"),
    [
        (0, 0),
        (4096, 4096),
        ("4096", 4096),
        ("4096 B", 4096),
        ("4GiB", 4 * 2**30),
        ("1.5 GiB", 3 * 2**29),
        ("512 MiB", 2**29),
        ("16KiB", 2**14),
        ("2 GB", 2 * 10**9),
        ("3G", 3 * 10**9),
        ("64kB", 64000),
        ("1TiB", 2**40),
    ],
)
def test_sizes(size: object, size_bytes: int) -> None:
    """Units of 1024 and of 1000, and plain bytes."""
    assert read_size(size) == size_bytes


@pytest.mark.parametrize("size", ["", "GiB", "4 XiB", "-1", "4GiB!", None, 1.5, True, -1])
def test_no_sizes(size: object) -> None:
    """All else."""
    with pytest.raises(ValueError, match="is no size"):
        read_size(size)


@pytest.mark.parametrize(
    ("args", "kwargs", "needs"),
    [
        ((), {}, {}),
        ((2,), {}, {"devices": 2}),
        ((), {"devices": 2, "memory": "1KiB", "capability": (9, 0)}, Needs(2, 1024, (9, 0))._asdict()),
        ((1, 2048, (7, 5)), {}, Needs(1, 2048, (7, 5))._asdict()),
        ((), {"capability": [8, 6]}, {"capability": (8, 6)}),
    ],
)
def test_arguments(args: tuple[object, ...], kwargs: dict[str, Any], needs: dict[str, Any]) -> None:
    """By name or by place; what isn't said is left open."""
    assert read_needs(args, kwargs) == needs


@pytest.mark.parametrize(
    ("args", "kwargs", "fault"),
    [
        ((1, 2, (3, 4), 5), {}, "devices, memory and capability alone"),
        ((), {"device": 2}, "devices, memory and capability alone"),
        ((), {"devices": 0}, "a number of devices, not 0"),
        ((), {"devices": "2"}, "a number of devices, not '2'"),
        ((True,), {}, "a number of devices, not True"),
        ((), {"memory": "much"}, "memory as '4GiB' or as a number of bytes, not 'much'"),
        ((), {"capability": 8.0}, "a capability as (8, 0), not 8.0"),
        ((), {"capability": (8,)}, "a capability as (8, 0), not (8,)"),
    ],
)
def test_faults(args: tuple[object, ...], kwargs: dict[str, Any], fault: str) -> None:
    """Each in words."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the whole text is compared
        read_needs(args, kwargs)
    assert str(caught.value) == fault


def test_several_marks() -> None:
    """The closest has the last word on what it says, and leaves the rest to the others."""
    closest, outer = ((2,), {}), ((), {"devices": 4, "memory": 7})
    assert combined_needs([closest, outer]) == Needs(2, 7, (0, 0))
    assert combined_needs([]) == Needs()
