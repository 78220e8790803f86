"""Asks torch itself for the devices, in a process of its own: where NVIDIA's library can't tell (ROCm, Jetson)."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from ..process.environment import child_environment
from .devices import Device, Facts

if TYPE_CHECKING:
    from .build import Build

TIMEOUT_S = 120

CHILD = """\
import ctypes, json, sys
if sys.argv[1] == "cuda":
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        sys.exit("there is no CUDA driver")
sys.path[:] = json.loads(sys.argv[2])
import torch
devices = []
for number in range(torch.cuda.device_count()):
    device = torch.cuda.get_device_properties(number)
    free, total = torch.cuda.mem_get_info(number)
    devices.append([number, device.name, device.major, device.minor, total, free])
print(json.dumps(devices))
"""
"""Prints the devices that it sees; ends with an error where it can't."""


def ask_torch(build: Build, *, otherwise: str) -> Facts:
    """
    The devices that a process sees which uses this torch.

    Args:
        build: Of the installed torch.
        otherwise: Why there are none, where the child can't tell either.
    """
    command = [sys.executable, "-c", CHILD, "hip" if build.hip else "cuda", json.dumps(sys.path)]
    try:
        child = subprocess.run(
            command,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Facts(fault=f"torch {build.version} took more than {TIMEOUT_S} s to look for one")
    if child.returncode:
        return Facts(fault=otherwise)
    devices = tuple(
        Device(number, name, capability=(major, minor), total_bytes=total_bytes, free_bytes=free_bytes)
        for number, name, major, minor, total_bytes, free_bytes in json.loads(child.stdout.splitlines()[-1])
    )
    return Facts(devices, "" if devices else f"torch {build.version} finds none")
