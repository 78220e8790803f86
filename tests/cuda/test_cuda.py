"""torch on a real CUDA device. On a machine without one, what must hold there."""

from __future__ import annotations

import importlib.util
import os
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


FACTS = """
import sys
from pytest_heavyimports.cuda.driver import is_driver_started
from pytest_heavyimports.cuda.nvml import read_facts

facts = read_facts()
assert not is_driver_started()
import torch
assert not is_driver_started()
assert torch.cuda.device_count() == len(facts.devices), facts
for number, device in enumerate(facts.devices):
    properties = torch.cuda.get_device_properties(number)
    assert device.name == properties.name
    assert device.capability == (properties.major, properties.minor)
    assert device.gpu_uuid.removeprefix("GPU-") == str(properties.uuid)
    assert 0.9 < device.total_bytes / properties.total_memory < 1.1
    assert 0 < device.free_bytes <= device.total_bytes
assert is_driver_started()
"""

LEAKS = """
import pytest

kept = []

@pytest.fixture(scope="module")
def model(torch):
    return torch.nn.Linear(1000, 1000).to("cuda")

@pytest.mark.cuda
def test_leaks(torch, cuda_device, model):
    kept.append(torch.zeros(1024, 1024, device=cuda_device))

@pytest.mark.cuda
def test_keeps_a_graph(torch, cuda_device):
    scores = torch.ones(256, 256, device=cuda_device, requires_grad=True)
    kept.append(torch.nn.functional.cross_entropy(scores, torch.arange(256, device=cuda_device)))

@pytest.mark.cuda
def test_clean(torch, cuda_device, model):
    model(torch.ones(64, 1000, device=cuda_device)).sum().backward()
    model.zero_grad()

@pytest.mark.cuda
def test_cycle(torch, cuda_device):
    cycle = [torch.zeros(1000, device=cuda_device)]
    cycle.append(cycle)

@pytest.mark.cuda
def test_seeds(torch):
    torch.cuda.manual_seed(5)
"""

DEALT = """
import os
import pytest
import torch

@pytest.mark.cuda
@pytest.mark.parametrize("number", range(4))
def test_it(number, cuda_device, request):
    assert torch.cuda.device_count() == int(os.environ["EXPECTED"])
    value = torch.full((100,), float(number), device=cuda_device)
    assert value.sum().item() == 100 * number
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


@pytest.mark.cuda(devices=2)
def test_two_devices(heavy_module: Callable[..., Any], cuda_device: Any) -> None:
    """The device is the first of several, and copies to the second are right."""
    torch = heavy_module("torch")
    assert cuda_device.index == 0
    assert torch.ones(3, device=cuda_device).to("cuda:1").sum().item() == 3


@pytest.mark.cuda
def test_facts_are_those_that_torch_tells() -> None:
    """Number, name, id, capability and memory of each device, known before the driver is started."""
    environment = {**os.environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    child = subprocess.run([sys.executable, "-c", FACTS], env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr


@pytest.mark.cuda
@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ("devices=99", "needs 99 CUDA devices, and there *"),
        ("memory='900TiB'", "needs a CUDA device with 9.22e+05 GiB of free memory: cuda:0 (*) has * GiB"),
        ("capability=(99, 0)", "needs a CUDA device of capability 99.0 or newer: cuda:0 (*) has *"),
    ],
)
def test_what_the_device_lacks(pytester: pytest.Pytester, needs: str, reason: str) -> None:
    """A real device is weighed, without starting CUDA."""
    source = f"""
        import pytest

        @pytest.mark.cuda({needs})
        def test_it(): pass

        @pytest.mark.cuda(memory="1MiB", capability=(5, 0))
        def test_modest(torch):
            assert not torch.cuda.is_initialized()
        """
    result = run_pytest(pytester, source, "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines([f"SKIPPED*: {reason}"])


@pytest.mark.cuda
def test_leaks_on_the_device(pytester: pytest.Pytester) -> None:
    """What is kept is told with its tensors, what a graph keeps as held by none; the seed of the device is seen."""
    result = run_pytest(pytester, LEAKS, "-o", "heavy_cuda_leak=error", "-v")
    assert result.parseoutcomes() == {"passed": 5, "errors": 2, "warnings": 1}
    result.stdout.fnmatch_lines(
        [
            "*::test_leaks' left 4 MiB allocated on cuda:0.",
            "*tensors: Tensor of float32 (1024, 1024), 4 MiB",
            "*::test_keeps_a_graph' left 514 KiB allocated on cuda:0.",
            "*unheld:  256 KiB, by no tensor of Python's",
            "*::test_seeds' left torch changed for the tests after it.",
            "*torch.cuda.default_generators[[]0[]].initial_seed: *, now 5",
        ]
    )


@pytest.mark.cuda
@pytest.mark.parametrize("setting", [(), ("-o", "heavy_cuda_workers=2")], ids=["late", "early"])
def test_workers_compute_on_what_they_were_dealt(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, ...]
) -> None:
    """Each of as many workers as there are devices, and one more, sees one, also where torch was imported before."""
    script = "import torch; print(torch.cuda.device_count())"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv("EXPECTED", "1")
    run_pytest(pytester, DEALT, "-n", str(int(told) + 1), *setting).assert_outcomes(passed=4)


@pytest.mark.cuda
def test_a_child_that_is_forked_can_compute(pytester: pytest.Pytester) -> None:
    """Looking for devices doesn't keep a child from using them."""
    source = """
        import os
        import pytest

        @pytest.mark.cuda(memory="1MiB")
        def test_it(torch, cuda_device):
            child = os.fork()
            if not child:
                os._exit(0 if torch.ones(3, device=cuda_device).sum().item() == 3 else 1)
            assert os.waitpid(child, 0)[1] == 0
        """
    run_pytest(pytester, source).assert_outcomes(passed=1)


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
