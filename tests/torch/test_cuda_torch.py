"""What is read of a real torch for tests that use CUDA: needs no device."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..support.simulated import Gpu, nvml

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
]


def test_tensors_that_hold_memory(python: Callable[..., str]) -> None:
    """
    Each storage is listed once, with the type and shape of a tensor that holds it. Tensors without a storage are not.

    A new interpreter: ``torch_python`` has frozen the objects of torch, and so hides torch's own tensors from ``gc``.
    """
    code = """
    import torch
    from pytest_heavyimports.cuda.memory import held_tensors

    before = {held.tensor() is not None for held in held_tensors(torch, "cpu")}
    base = torch.zeros(300, 7)
    view = base[1:].t()
    weight = torch.nn.Parameter(torch.ones(1, 5, dtype=torch.float64))
    sparse = torch.eye(3).to_sparse()
    meta = torch.empty(10, device="meta")
    for held in held_tensors(torch, "cpu"):
        if held.tensor() is base or held.tensor() is view or held.tensor() is weight:
            print(held.device, held.size_bytes, held.shown.replace("(299, 7)", "?"))
    print(len(list(held_tensors(torch, "cuda"))), torch.cuda.is_initialized())
    """
    lines = python(code).splitlines()
    assert lines[-1] == "0 False"
    assert sorted(lines[:-1]) == ["cpu 40 Parameter of float64 (1, 5)", "cpu 8400 Tensor of float32 (300, 7)"]


def test_flags_can_be_read(torch_python: Callable[[str], str]) -> None:
    """All of those that are looked at, none with a warning, but for those that have no value on a CPU."""
    code = """
    import torch
    from pytest_heavyimports.cuda.state import FLAGS, _read

    print(*[name for name in FLAGS if _read(torch, name) is None])
    """
    assert set(torch_python(code).split()) <= {"backends.cudnn.benchmark_limit", "backends.opt_einsum.strategy"}


def test_changes_are_seen(python: Callable[..., str]) -> None:
    """Flags, the default type, deterministic algorithms, the seed; drawing a number changes none of them."""
    code = """
    import torch
    from pytest_heavyimports.cuda.state import TorchState

    torch.manual_seed(1)
    before = TorchState(torch)
    torch.rand(3)
    assert before.changes(TorchState(torch)) == []
    torch.manual_seed(2)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = True
    torch.backends.cuda.enable_flash_sdp(False)
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_grad_enabled(False)
    for change in before.changes(TorchState(torch)):
        print(*change)
    """
    assert python(code).splitlines() == [
        "torch.backends.cudnn.benchmark False True",
        "torch.backends.cudnn.deterministic False True",
        "torch.backends.cuda.flash_sdp_enabled True False",
        "torch.get_default_dtype torch.float32 torch.float64",
        "torch.is_grad_enabled True False",
        "torch.are_deterministic_algorithms_enabled False True",
        "torch.is_deterministic_algorithms_warn_only_enabled False True",
        "torch.initial_seed 1 2",
    ]


def test_a_flag_that_torch_refuses_to_tell(python: Callable[..., str]) -> None:
    """Where two generations of flags were mixed, torch raises an error: the rest is compared all the same."""
    code = """
    import torch
    from pytest_heavyimports.cuda.state import TorchState

    before = TorchState(torch)
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    torch.backends.cudnn.benchmark = True
    print(*[change.name for change in before.changes(TorchState(torch))])
    """
    assert "torch.backends.cudnn.benchmark" in python(code).split()


def test_changes_are_told(suite: Suite) -> None:
    """By a run with the real torch, whose build nobody looks at, on a simulated driver."""
    (suite.path / "lib").mkdir()
    library = nvml(suite.path / "lib", [Gpu("GPU-a")])
    suite.declare(heavy_cuda_leak="error")
    suite.write("conftest.py", "from pytest_heavyimports.cuda import build\n\nbuild.locate = lambda name: None\n")
    suite.tests(
        """
        import pytest

        @pytest.mark.cuda
        def test_changes():
            import torch

            torch.backends.cudnn.benchmark = True
            torch.manual_seed(0)

        @pytest.mark.cuda
        def test_puts_back(monkeypatch, heavy_module):
            torch = heavy_module("torch")
            monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
            with torch.random.fork_rng(devices=[]):
                torch.rand(3)

        @pytest.mark.cuda
        def test_nothing_was_initialised(heavy_module):
            assert not heavy_module("torch").cuda.is_initialized()
        """
    )
    result = suite.run(LD_LIBRARY_PATH=str(library))
    result.assert_outcomes(passed=3, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "*HeavyImportWarning: 'test_it.py::test_changes' left torch changed for the tests after it.",
            "*  torch.backends.cudnn.benchmark: False, now True",
            "*  torch.initial_seed: *, now 0",
        ]
    )
