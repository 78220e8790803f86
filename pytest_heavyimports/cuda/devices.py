"""Devices as facts, and which of them ``CUDA_VISIBLE_DEVICES`` lets a process see."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"


class Device(NamedTuple):
    """A GPU, or one of the instances that a GPU is partitioned into (MIG)."""

    gpu: int
    """The GPU's number, in the order of the PCI bus."""
    name: str = "unknown"
    gpu_uuid: str = ""
    instance_uuid: str = ""
    """Empty where the GPU is not partitioned."""
    capability: tuple[int, int] | None = None
    """``None``, here and below, where nobody can tell."""
    total_bytes: int | None = None
    free_bytes: int | None = None


class Facts(NamedTuple):
    """What is known of the devices of this machine, or of those that a process sees."""

    devices: tuple[Device, ...] = ()
    fault: str = ""
    """Why there are none, as it goes on from "no CUDA device: "."""
    driver: tuple[int, int] | None = None
    """The newest version of CUDA that the driver supports."""


def named_devices(devices: Sequence[Device], value: str | None) -> dict[str, Device]:
    """
    The devices that ``CUDA_VISIBLE_DEVICES`` names.

    Args:
        devices: All there are.
        value: The variable's value; ``None`` where it is not set.

    Returns:
        Each device by an entry that names it alone: that of *value*, where it does. The first entry that names nothing
        ends the list, and a device that is named twice leaves none, as in CUDA.

    Reference: "Environment Variables" in the CUDA programming guide, "Device Enumeration" in NVIDIA's on MIG.
    """
    if value is None:
        return {device.instance_uuid or str(device.gpu): device for device in devices}
    named: dict[str, Device] = {}
    for entry in map(str.strip, value.split(",")):
        found = _named_by(entry, devices)
        if not found:
            break
        if not set(found).isdisjoint(named.values()):
            return {}
        is_exact = entry.startswith("MIG-")
        named |= {device.instance_uuid if not is_exact and device.instance_uuid else entry: device for device in found}
    return named


def seen_devices(named: Sequence[Device]) -> list[Device]:
    """What CUDA shows of the devices that are named: as soon as an instance is among them, the first one alone."""
    instances = [device for device in named if device.instance_uuid]
    return instances[:1] or list(named)


def _named_by(entry: str, devices: Sequence[Device]) -> list[Device]:
    """The devices that one entry names: all instances of a partitioned GPU; none where it names several GPUs."""
    if number := re.match(r"\+?(\d+)", entry):
        return [device for device in devices if device.gpu == int(number[1])]
    if legacy := re.fullmatch(r"MIG-(GPU-[\w-]+)/\d+/\d+", entry):
        of_gpu = [device for device in devices if device.gpu_uuid == legacy[1]]
        # The driver counts the instances otherwise: which of them it is can't be told, nor its memory.
        return [of_gpu[0]._replace(instance_uuid=entry, total_bytes=None, free_bytes=None)] if of_gpu else []
    if entry.startswith("GPU-"):
        found = [device for device in devices if device.gpu_uuid.startswith(entry)]
        return found if len({device.gpu_uuid for device in found}) == 1 else []
    found = [device for device in devices if entry.startswith("MIG-") and device.instance_uuid.startswith(entry)]
    return found if len(found) == 1 else []
