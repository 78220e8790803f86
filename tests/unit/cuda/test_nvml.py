"""What NVIDIA's management library is asked, against one that a test has built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_heavyimports.cuda.devices import Device, Facts

from ...support.simulated import GIB, Gpu, Instance, nvml

READ = """
import json
from pytest_heavyimports.cuda.nvml import read_facts

for _ in range(2):  # the first leaves the library as it was
    facts = read_facts()
print(json.dumps(facts))
"""


@pytest.fixture
def facts(python: Callable[..., str], tmp_path: Path) -> Callable[..., Facts]:
    """Facts as they are read from a simulated library."""

    def read(*gpus: Gpu, **options: Any) -> Facts:
        directory = nvml(tmp_path, gpus, **options)
        devices, fault, driver = json.loads(python(READ, LD_LIBRARY_PATH=str(directory)))
        read = [Device(*fields)._replace(capability=tuple(fields[4])) for fields in devices]
        return Facts(tuple(read), fault, tuple(driver) if driver else None)

    return read


def test_gpus(facts: Callable[..., Facts]) -> None:
    """Each with its number, name, id, capability and memory; one whose memory is the machine's own has no size."""
    gpus = Gpu("GPU-a", free_bytes=3 * GIB), Gpu("GPU-b", "Tesla T4", (7, 5)), Gpu("GPU-c", free_bytes=None)
    assert facts(*gpus, driver=12080) == Facts(
        (
            Device(0, "Simulated A100", "GPU-a", "", (8, 0), 40 * GIB, 3 * GIB),
            Device(1, "Tesla T4", "GPU-b", "", (7, 5), 40 * GIB, 30 * GIB),
            Device(2, "Simulated A100", "GPU-c", "", (8, 0), None, None),
        ),
        driver=(12, 8),
    )


def test_partitioned_gpus(facts: Callable[..., Facts]) -> None:
    """In the place of a partitioned GPU stand its instances, each with its own memory; none where it has none."""
    instances = Instance("MIG-1", 4 * GIB), Instance("MIG-2", 9 * GIB)
    read = facts(
        Gpu("GPU-a", is_partitioned=True, instances=instances),
        Gpu("GPU-b", is_partitioned=True),
        Gpu("GPU-c"),
        Gpu("GPU-d", "Tesla T4"),  # can't be partitioned
    )
    assert [(device.gpu, device.gpu_uuid, device.instance_uuid, device.free_bytes) for device in read.devices] == [
        (0, "GPU-a", "MIG-1", 4 * GIB),
        (0, "GPU-a", "MIG-2", 9 * GIB),
        (2, "GPU-c", "", 30 * GIB),
        (3, "GPU-d", "", 30 * GIB),
    ]


def test_a_library_that_is_older_than_partitioned_gpus(facts: Callable[..., Facts]) -> None:
    """A function that is not there could tell nothing."""
    assert [device.gpu_uuid for device in facts(Gpu("GPU-a"), knows_mig=False).devices] == ["GPU-a"]


def test_no_gpu(facts: Callable[..., Facts]) -> None:
    """A driver with nothing to drive."""
    assert facts() == Facts((), "the NVIDIA driver finds none", (13, 0))


def test_a_library_that_fails(facts: Callable[..., Facts]) -> None:
    """The reason is the library's own text."""
    assert facts(Gpu("GPU-a"), status=18).fault == "the NVIDIA driver can't be used: Driver/library version mismatch"


def test_no_library(python: Callable[..., str], tmp_path: Path) -> None:
    """Without a driver there is no library. (On a machine with one, it is found.)"""
    told = json.loads(python(READ))
    assert told[0] or told[1] == "there is no NVIDIA driver (libnvidia-ml.so.1 is missing)"
