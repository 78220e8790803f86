"""NVIDIA's management library, by ctypes: it tells of the devices and initialises no CUDA."""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import CDLL, Structure, byref, c_char_p, c_int, c_uint, c_ulonglong, c_void_p, create_string_buffer
from typing import Any

from .devices import Device, Facts

LIBRARY = "libnvidia-ml.so.1"
_UUID_BYTES = 96
_CAN_NOT_TELL = (3, 4, 6, 13)
"""Not supported, no permission, not found, function not found."""


class _Failed(Exception):
    """A call of the library failed; the text is the library's own."""


class _Memory(Structure):
    _fields_ = [("total", c_ulonglong), ("free", c_ulonglong), ("used", c_ulonglong)]  # ctypes' own


def read_facts() -> Facts:
    """
    All devices of this machine, whether or not this process may see them.

    Reference: the NVML API reference, the "Device Queries" and "Multi Instance GPU Management".
    """
    try:
        nvml = _Nvml(CDLL(LIBRARY))
    except OSError:
        return Facts(fault=f"there is no NVIDIA driver ({LIBRARY} is missing)")
    try:
        nvml.call("nvmlInit_v2")
    except _Failed as failure:
        return Facts(fault=f"the NVIDIA driver can't be used: {failure}")
    try:
        devices = tuple(nvml.devices())
        return Facts(devices, "" if devices else "the NVIDIA driver finds none", nvml.driver())
    except _Failed as failure:
        return Facts(fault=f"the NVIDIA driver can't tell of its devices: {failure}")
    finally:
        nvml.call("nvmlShutdown")


class _Nvml:
    def __init__(self, library: CDLL) -> None:
        self._library = library
        library.nvmlErrorString.restype = c_char_p

    def call(self, function: str, *arguments: Any) -> bool:
        """Call a function; whether it could tell. An old library doesn't have all of them."""
        status = self._library[function](*arguments) if hasattr(self._library, function) else _CAN_NOT_TELL[-1]
        if status and status not in _CAN_NOT_TELL:
            raise _Failed(self._library.nvmlErrorString(status).decode(errors="replace"))
        return not status

    def devices(self) -> Iterator[Device]:
        """The GPUs, and in place of each that is partitioned its instances."""
        count = c_uint()
        self.call("nvmlDeviceGetCount_v2", byref(count))
        for index in range(count.value):
            handle = c_void_p()
            if not self.call("nvmlDeviceGetHandleByIndex_v2", c_uint(index), byref(handle)):
                continue
            gpu = self._with_memory(self._gpu(index, handle), handle)
            if self._is_partitioned(handle):
                yield from self._instances(gpu, handle)
            else:
                yield gpu

    def driver(self) -> tuple[int, int] | None:
        """The version of CUDA: 12080 is 12.8."""
        version = c_int()
        known = self.call("nvmlSystemGetCudaDriverVersion_v2", byref(version))
        return (version.value // 1000, version.value % 1000 // 10) if known else None

    def _gpu(self, index: int, handle: c_void_p) -> Device:
        major, minor = c_int(), c_int()
        known = self.call("nvmlDeviceGetCudaComputeCapability", handle, byref(major), byref(minor))
        return Device(
            index,
            self._text("nvmlDeviceGetName", handle),
            self._text("nvmlDeviceGetUUID", handle),
            capability=(major.value, minor.value) if known else None,
        )

    def _is_partitioned(self, handle: c_void_p) -> bool:
        current, pending = c_uint(), c_uint()
        return self.call("nvmlDeviceGetMigMode", handle, byref(current), byref(pending)) and current.value == 1

    def _instances(self, gpu: Device, handle: c_void_p) -> Iterator[Device]:
        count = c_uint()
        self.call("nvmlDeviceGetMaxMigDeviceCount", handle, byref(count))
        for number in range(count.value):
            instance = c_void_p()
            if self.call("nvmlDeviceGetMigDeviceHandleByIndex", handle, c_uint(number), byref(instance)):
                uuid = self._text("nvmlDeviceGetUUID", instance)
                yield self._with_memory(gpu._replace(instance_uuid=uuid), instance)

    def _with_memory(self, device: Device, handle: c_void_p) -> Device:
        memory = _Memory()
        if not self.call("nvmlDeviceGetMemoryInfo", handle, byref(memory)):
            return device._replace(total_bytes=None, free_bytes=None)  # memory that is the machine's own
        return device._replace(total_bytes=memory.total, free_bytes=memory.free)

    def _text(self, function: str, handle: c_void_p) -> str:
        buffer = create_string_buffer(_UUID_BYTES)
        self.call(function, handle, buffer, c_uint(_UUID_BYTES))
        return buffer.value.decode(errors="replace")
