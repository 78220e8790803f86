"""Whether the CUDA driver has been started in this process, from where on the environment changes nothing."""

from __future__ import annotations

import ctypes
import os

LIBRARY = "libcuda.so.1"
_NOT_INITIALISED = 3


def is_driver_started() -> bool:
    """
    Whether anybody has called ``cuInit`` in this process. Neither loads the driver nor starts it.

    Reference: ``CUDA_ERROR_NOT_INITIALIZED`` in the CUDA driver API.
    """
    try:
        library = ctypes.CDLL(LIBRARY, mode=os.RTLD_NOLOAD)
    except OSError:
        return False
    return bool(library.cuDeviceGetCount(ctypes.byref(ctypes.c_int())) != _NOT_INITIALISED)
