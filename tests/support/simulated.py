"""Libraries that answer as NVIDIA's do, built for a test: the code that asks them is the real one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .compiling import build_library

GIB = 2**30


class Instance(NamedTuple):
    """A part of a GPU."""

    uuid: str
    free_bytes: int = 5 * GIB


class Gpu(NamedTuple):
    """What NVIDIA's management library says of a GPU."""

    uuid: str
    name: str = "Simulated A100"
    capability: tuple[int, int] = (8, 0)
    free_bytes: int | None = 30 * GIB
    """``None`` where the library can't tell, as of a chip that uses the machine's memory."""
    is_partitioned: bool = False
    instances: tuple[Instance, ...] = ()


NVML = """
#include <stddef.h>
#include <string.h>

struct device { const char *uuid, *name; int major, minor; long long free; int partitioned, first, number; };
static struct device devices[] = { %(devices)s, { 0 } };
static int opened = 0;

const char *nvmlErrorString(int status) { return status == 18 ? "Driver/library version mismatch" : "Unknown"; }
int nvmlInit_v2(void) { if (!%(status)d) opened++; return %(status)d; }
int nvmlShutdown(void) { opened--; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = %(gpus)d; return opened == 1 ? 0 : 1; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = %(driver)d; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **found) {
    *found = &devices[index];
    return index < %(gpus)d ? 0 : 2;
}
int nvmlDeviceGetName(struct device *device, char *text, unsigned size) {
    strncpy(text, device->name, size);
    return 0;
}
int nvmlDeviceGetUUID(struct device *device, char *text, unsigned size) {
    strncpy(text, device->uuid, size);
    return 0;
}
int nvmlDeviceGetCudaComputeCapability(struct device *device, int *major, int *minor) {
    *major = device->major;
    *minor = device->minor;
    return 0;
}
int nvmlDeviceGetMemoryInfo(struct device *device, unsigned long long *memory) {
    if (device->free < 0) return 3;
    memory[0] = 40LL << 30;
    memory[1] = device->free;
    memory[2] = memory[0] - memory[1];
    return 0;
}
#if %(knows_mig)d
int nvmlDeviceGetMigMode(struct device *device, unsigned *current, unsigned *pending) {
    *current = *pending = device->partitioned;
    return device->name[0] == 'T' ? 3 : 0;
}
int nvmlDeviceGetMaxMigDeviceCount(struct device *device, unsigned *count) { *count = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(struct device *device, unsigned index, struct device **found) {
    *found = &devices[device->first + index];
    return index < device->number ? 0 : 6;
}
#endif
"""

DRIVER = """
static int started = 0;

int cuInit(unsigned flags) { started = 1; return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return started ? 0 : 3; }
"""


TORCH = """
import weakref
from types import SimpleNamespace

from torch.version import __version__

alive = {}
flags = {"seed": 1}


class device:
    def __init__(self, type, index):
        self.type, self.index = type, index

    def __str__(self):
        return f"{self.type}:{self.index}"


class Tensor:
    dtype = "torch.float32"

    def __init__(self, *shape, number=0):
        self.shape, self.device = shape, device("cuda", number)
        alive[id(self)] = self.nbytes(), number
        weakref.finalize(self, alive.pop, id(self))
        cuda.is_used = True

    def nbytes(self):
        size = 4
        for length in self.shape:
            size *= length
        return size

    def untyped_storage(self):
        return SimpleNamespace(nbytes=self.nbytes, data_ptr=lambda: id(self))


class cuda:
    is_used = False
    default_generators = ()

    @staticmethod
    def is_initialized():
        return cuda.is_used

    @staticmethod
    def device_count():
        return 2

    @staticmethod
    def memory_stats(number):
        return {"requested_bytes.all.current": sum(size for size, where in alive.values() if where == number)}

    @staticmethod
    def empty_cache():
        pass


class backends:
    class cudnn:
        benchmark = False


def manual_seed(seed):
    flags["seed"] = seed


def initial_seed():
    return flags["seed"]
"""


def nvml(directory: Path, gpus: Sequence[Gpu], *, status: int = 0, driver: int = 13000, knows_mig: bool = True) -> Path:
    """
    Build ``libnvidia-ml.so.1``; gives the directory, for ``LD_LIBRARY_PATH``.

    Args:
        directory: Where.
        gpus: What it tells.
        status: What ``nvmlInit`` answers: 18 where library and driver are of different versions.
        driver: The version of CUDA: 12080 is 12.8.
        knows_mig: Whether it is new enough to know of partitioned GPUs.
    """
    first = len(gpus)
    rows, instances = [], []
    for gpu in gpus:
        free = -1 if gpu.free_bytes is None else gpu.free_bytes
        rows.append((gpu.uuid, gpu.name, *gpu.capability, free, int(gpu.is_partitioned), first, len(gpu.instances)))
        instances += [(one.uuid, "", 0, 0, one.free_bytes, 0, 0, 0) for one in gpu.instances]
        first += len(gpu.instances)
    devices = ", ".join("{ " + ", ".join(map(json.dumps, row)) + " }" for row in [*rows, *instances]) or "{ 0 }"
    values = {"devices": devices, "gpus": len(gpus), "status": status, "driver": driver, "knows_mig": int(knows_mig)}
    return build_library(NVML % values, directory / "libnvidia-ml.so.1")


def cuda_torch(directory: Path, version: str = "2.13.0", cuda: str | None = "13.0") -> None:
    """Write a package ``torch`` that is built for CUDA, and has tensors that allocate nothing but a number."""
    package = directory / "torch"
    package.mkdir()
    (package / "version.py").write_text(f"__version__ = {version!r}\ncuda = {cuda!r}\nhip = None\n", encoding="utf-8")
    (package / "__init__.py").write_text(TORCH, encoding="utf-8")


NO_TORCH = """
import importlib.machinery as machinery

find_spec = machinery.PathFinder.find_spec


def find_no_torch(fullname, path=None, target=None):
    return None if fullname.partition(".")[0] == "torch" else find_spec(fullname, path, target)


machinery.PathFinder.find_spec = find_no_torch.__call__  # pytest makes a method of a function
"""
"""A plugin for pytest: a machine where torch is not installed."""
