"""torch on a real CUDA device. On a machine without one, what must hold there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
]

LIVE_CONTEXT = """
import importlib
import pytest
import pytest_heavyimports

def test_context_before(torch, cuda_device):
    global kept
    kept = torch.arange(8, device=cuda_device)
    assert torch.cuda.is_initialized()

def test_reload(torch):
    with pytest.raises(pytest_heavyimports.ReloadRefused):
        importlib.reload(torch.cuda)

def test_context_after(torch, cuda_device):
    assert kept.sum().item() == 28
    assert (torch.ones(512, 512, device=cuda_device) @ torch.ones(512, 512, device=cuda_device))[0, 0].item() == 512
"""

NOT_INITIALISED = """
def test_import(torch, heavy_module):
    assert heavy_module("torch.cuda") is torch.cuda
    assert not torch.cuda.is_initialized()

def test_device(request, torch):
    try:
        request.getfixturevalue("cuda_device")
    finally:
        assert not torch.cuda.is_initialized()
"""


def run_pytest(pytester: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    pytester.makeini("[pytest]\nheavy_modules = torch")
    return pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider", *arguments)


@pytest.mark.cuda
def test_computes_on_the_device(heavy_module: Callable[..., Any], cuda_device: Any) -> None:
    """What heavy_module gives computes on the device that cuda_device gives, and rightly."""
    torch = heavy_module("torch")
    left = torch.arange(1_000_000, device=cuda_device, dtype=torch.float64)
    assert left.device.type == "cuda"
    assert (left * 2).sum().item() == 999_999 * 1_000_000


@pytest.mark.cuda
@pytest.mark.usefixtures("cuda_device")
def test_guard_around_a_live_context(pytester: pytest.Pytester) -> None:
    """A refused reload leaves a live CUDA context, and what lies in its memory, as it was."""
    run_pytest(pytester, LIVE_CONTEXT, "--heavy-guard=error").assert_outcomes(passed=3)


@pytest.mark.cuda
def test_two_devices(heavy_module: Callable[..., Any], cuda_device: Any) -> None:
    """The device is the first of several, and copies to the second are right."""
    torch = heavy_module("torch")
    if torch.cuda.device_count() < 2:
        pytest.skip(f"needs two CUDA devices, there is {torch.cuda.device_count()}")
    assert cuda_device.index == 0
    assert torch.ones(3, device=cuda_device).to("cuda:1").sum().item() == 3


def test_importing_initialises_nothing(pytester: pytest.Pytester) -> None:
    """Neither the import by the registry nor the search for a device initialises CUDA."""
    outcomes = run_pytest(pytester, NOT_INITIALISED).parseoutcomes()
    assert outcomes.get("passed", 0) + outcomes.get("skipped", 0) == 2
    assert outcomes.get("failed", 0) == 0


def test_reason_of_the_skip_is_true(pytester: pytest.Pytester) -> None:
    """Where cuda_device skips, torch itself, in a process of its own, says why there is no device."""
    run = run_pytest(pytester, "def test_it(cuda_device): pass", "-rs")
    script = "import torch; print(torch.cuda.is_available(), torch.version.cuda, torch.__version__)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    available, cuda, version = told.split()
    if available == "True":
        run.assert_outcomes(passed=1)
    elif cuda == "None":
        run.stdout.fnmatch_lines([f"SKIPPED*no CUDA device: torch {version} is built without CUDA"])
    else:
        run.stdout.fnmatch_lines(["SKIPPED*no CUDA device: *"])
