"""Why a test that needs CUDA devices can't run here, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config.needs import Needs
    from .build import Build
    from .devices import Device, Facts

GIB = 2**30


Numbered = tuple[int, "Device"]
"""A device, and its number in this process."""


def unmet(needs: Needs, devices: Sequence[Numbered], *, explained: str) -> str:
    """
    What is missing.

    Args:
        needs: The test's.
        devices: Those that the test may be given.
        explained: Goes on from "needs 2 CUDA devices, and".

    Returns:
        The reason; empty where nothing is missing.
    """
    if len(devices) < needs.devices:
        return f"needs {_devices(needs)}, and {explained}"
    capable = [(number, device) for number, device in devices if is_capable(device, needs)]
    if len(capable) < needs.devices:
        wanted = ".".join(map(str, needs.capability))
        return f"needs {_devices(needs)} of capability {wanted} or newer: {_listed(devices, _capability)}"
    if sum(has_room(device, needs) for _, device in capable) < needs.devices:
        return f"needs {_devices(needs)} with {_gib(needs.memory_bytes)} of free memory: {_listed(capable, _room)}"
    return ""


def is_capable(device: Device, needs: Needs) -> bool:
    """Whether the device is new enough, as far as anybody can tell."""
    return device.capability is None or device.capability >= needs.capability


def has_room(device: Device, needs: Needs) -> bool:
    """Whether enough of its memory is free, as far as anybody can tell."""
    return device.free_bytes is None or device.free_bytes >= needs.memory_bytes


def too_old_a_driver(build: Build | None, facts: Facts) -> str:
    """Why the driver can't run what torch was built for; empty where it can. Within a major version all can."""
    if not build or not build.cuda or not facts.driver or int(build.cuda.partition(".")[0]) <= facts.driver[0]:
        return ""
    supported = ".".join(map(str, facts.driver))
    return f"the driver is for CUDA {supported} at most, and torch {build.version} is built for {build.cuda}"


def _devices(needs: Needs) -> str:
    return "a CUDA device" if needs.devices == 1 else f"{needs.devices} CUDA devices"


def _listed(devices: Sequence[Numbered], what: Callable[[Device], str]) -> str:
    return ", ".join(f"cuda:{number} ({device.name}) has {what(device)}" for number, device in devices)


def _capability(device: Device) -> str:
    return ".".join(map(str, device.capability)) if device.capability else "an unknown one"


def _room(device: Device) -> str:
    return "an unknown size" if device.free_bytes is None else _gib(device.free_bytes)


def _gib(size: int) -> str:
    return f"{size / GIB:.3g} GiB"
