"""Whether the CUDA driver was started, against a library that a test has built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...support.compiling import build_library
from ...support.simulated import DRIVER

ASK = """
import ctypes
from pytest_heavyimports.cuda.driver import is_driver_started

print(is_driver_started())
driver = ctypes.CDLL("libcuda.so.1")
print(is_driver_started())
driver.cuInit(0)
print(is_driver_started())
"""


def test_it_is_started_by_its_first_use(python: Callable[..., str], tmp_path: Path) -> None:
    """Neither asking nor loading the library starts it."""
    directory = build_library(DRIVER, tmp_path / "libcuda.so.1")
    assert python(ASK, LD_LIBRARY_PATH=str(directory)).split() == ["False", "False", "True"]


def test_asking_loads_nothing(python: Callable[..., str], tmp_path: Path) -> None:
    """The driver is not even loaded."""
    directory = build_library(DRIVER, tmp_path / "libcuda.so.1")
    code = """
    from pathlib import Path
    from pytest_heavyimports.cuda.driver import is_driver_started

    assert not is_driver_started()
    print("libcuda" in Path("/proc/self/maps").read_text())
    """
    assert python(code, LD_LIBRARY_PATH=str(directory)).strip() == "False"
