"""Deals the devices to the workers of pytest-xdist. The door of ``CUDA_VISIBLE_DEVICES`` and ``CUDA_DEVICE_ORDER``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")

DEALT = "PYTEST_HEAVYIMPORTS_DEALT"
"""Tells what a worker starts, a pytest among it, that the devices of this run have been dealt."""


class Worker(NamedTuple):
    """A worker of pytest-xdist."""

    name: str
    number: int
    """Counted from 0. One that takes the place of a worker that died is counted on."""
    total: int
    run: str
    """What pytest-xdist calls the run."""


def worker_of(environ: Mapping[str, str]) -> Worker | None:
    """The worker that this process is, or was started by; ``None`` where there is none, or it has no number."""
    name = environ.get("PYTEST_XDIST_WORKER", "")
    number = re.search(r"\d+$", name)
    count = environ.get("PYTEST_XDIST_WORKER_COUNT", "")
    if not number or not count.isdecimal() or count == "0":
        return None
    return Worker(name, int(number[0]), int(count), environ.get("PYTEST_XDIST_TESTRUNUID", ""))


def share_of(devices: Sequence[T], number: int, count: int) -> list[T]:
    """
    The devices of one worker.

    Args:
        devices: All that are dealt.
        number: The worker's, from 0.
        count: How many workers there are.

    Returns:
        Every *count*-th device. Where there are more workers than devices, one that it shares; none where there are
        none.
    """
    number %= count
    return list(devices[number::count]) or [devices[number % len(devices)] for _ in devices[:1]]
