"""What torch itself says of the devices, in a process of its own."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_heavyimports.cuda import asking
from pytest_heavyimports.cuda.asking import ask_torch
from pytest_heavyimports.cuda.build import Build
from pytest_heavyimports.cuda.devices import Device, Facts

from ...support.compiling import build_library
from ...support.simulated import DRIVER
from ...support.waiting import has_ended

TORCH = """
from types import SimpleNamespace

class cuda:
    device_count = staticmethod(lambda: {count})
    get_device_properties = staticmethod(lambda number: SimpleNamespace(name="MI300X", major=9, minor=4))
    mem_get_info = staticmethod(lambda number: (100 - number, 192))
"""
ROCM = Build("2.13.0", hip="6.4")


@pytest.fixture
def write_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a module in the place of torch, for children."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> None:
        (tmp_path / "torch.py").write_text(textwrap.dedent(text), encoding="utf-8")

    return write


def test_devices_of_another_maker(write_torch: Callable[[str], None]) -> None:
    """As torch counts them; what it writes besides doesn't matter."""
    write_torch(TORCH.format(count=2) + "print('hello')\n")
    first = Device(0, "MI300X", capability=(9, 4), total_bytes=192, free_bytes=100)
    assert ask_torch(ROCM, otherwise="?") == Facts((first, first._replace(gpu=1, free_bytes=99)))


def test_there_is_none(write_torch: Callable[[str], None]) -> None:
    """torch says so."""
    write_torch(TORCH.format(count=0))
    assert ask_torch(ROCM, otherwise="?") == Facts(fault="torch 2.13.0 finds none")


def test_torch_breaks(write_torch: Callable[[str], None]) -> None:
    """Then what was known before is the reason."""
    write_torch("raise RuntimeError")
    assert ask_torch(ROCM, otherwise="there is no NVIDIA driver") == Facts(fault="there is no NVIDIA driver")


def test_torch_takes_too_long(
    write_torch: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child is ended while it imports torch. Until it does, the clock of ``subprocess`` stands still."""
    pid, begun = tmp_path / "pid", tmp_path / "begun"
    write_torch(
        f"""
        import os, pathlib, time
        pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))
        os.mkdir({str(begun)!r})
        time.sleep(60)
        """
    )
    monkeypatch.setattr(subprocess, "_time", lambda: 1000.0 if begun.exists() else 0.0)
    monkeypatch.setattr(asking, "TIMEOUT_S", 0.1)
    assert ask_torch(ROCM, otherwise="?") == Facts(fault="torch 2.13.0 took more than 0.1 s to look for one")
    assert has_ended(int(pid.read_text("ascii")))


def test_without_a_driver_torch_is_not_imported(
    write_torch: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A build for NVIDIA's devices needs NVIDIA's driver, and to import it takes seconds."""
    imported = tmp_path / "imported"
    write_torch(f"open({str(imported)!r}, 'w').close()\n" + TORCH.format(count=1))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(build_library(DRIVER, tmp_path / "libcuda.so.1")))
    assert len(ask_torch(Build("2.13.0", "13.0"), otherwise="?").devices) == 1
    assert imported.exists()
    imported.unlink()
    (tmp_path / "libcuda.so.1").write_text("broken", encoding="utf-8")
    assert ask_torch(Build("2.13.0", "13.0"), otherwise="no driver") == Facts(fault="no driver")
    assert not imported.exists()
