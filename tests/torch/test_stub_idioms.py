"""Code written for torch that asks about the machine when it is imported: with a stand-in, and with torch on a CPU."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from ..support.simulated import NO_TORCH

if TYPE_CHECKING:
    from ..support.suite import Suite

IDIOMS = {
    "device": """
        import torch

        DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
        assert DEVICE == "cpu"
        """,
    "device_object": """
        import torch

        DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        PIN_MEMORY = DEVICE.type == "cuda"
        assert not PIN_MEMORY and str(DEVICE) == "cpu" and DEVICE == torch.device("cpu")
        assert torch.device("cuda:1").index == torch.device("cuda", 1).index == 1
        assert repr(torch.device("cuda", 0)) == "device(type='cuda', index=0)"
        assert {torch.device("cpu"): 1}[DEVICE] == 1 and isinstance(DEVICE, torch.device)
        """,
    "mps": """
        import torch

        def best():
            if torch.cuda.is_available():
                return "cuda"
            if getattr(torch.backends, "mps", None) and torch.backends.mps.is_available():
                return "mps"
            if hasattr(torch, "xpu") and torch.xpu.is_available():
                return "xpu"
            if hasattr(torch, "npu") and torch.npu.is_available():
                return "npu"
            return "cpu"

        assert best() == "cpu" and not torch.backends.mps.is_built()
        """,
    "accelerator": """
        import torch

        if hasattr(torch, "accelerator") and torch.accelerator.is_available():
            DEVICE = torch.accelerator.current_accelerator()
        else:
            DEVICE = torch.device("cpu")
        assert DEVICE.type == "cpu" and torch.accelerator.device_count() == 0
        """,
    "count": """
        from torch.cuda import device_count, is_available

        N_GPUS = device_count()
        WORKERS = [f"cuda:{number}" for number in range(N_GPUS)] or ["cpu"]
        assert WORKERS == ["cpu"] and not is_available()
        """,
    "name": """
        import torch

        try:
            NAME = torch.cuda.get_device_name(0)
        except (AssertionError, RuntimeError):
            NAME = "cpu"
        assert NAME == "cpu"
        """,
    "cuda_version": """
        import torch

        CUDA = torch.version.cuda
        HAS_CUDA_12 = CUDA is not None and int(CUDA.split(".")[0]) >= 12
        IS_ROCM = torch.version.hip is not None
        assert not HAS_CUDA_12 and not IS_ROCM
        """,
    "extension": """
        from torch.utils.cpp_extension import CUDA_HOME

        WITH_CUDA = CUDA_HOME is not None
        assert not WITH_CUDA
        """,
    "version": """
        import torch
        from packaging import version

        TORCH_2 = version.parse(torch.__version__) >= version.parse("2.0")
        MAJOR, MINOR = (int(part) for part in torch.__version__.split(".")[:2])
        assert TORCH_2 and MAJOR >= 2 and torch.__version__ >= "2.0"
        """,
    "version_string": """
        import torch

        from torch.version import __version__ as again

        assert torch.__version__ == again == torch.version.__version__
        assert not torch.__version__.startswith("1.") and torch.__version__ > (1, 13)
        print(f"torch {torch.__version__}, CUDA {torch.version.cuda}")
        """,
    "cudnn": """
        import torch

        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.deterministic = False
        if torch.backends.cudnn.is_available():
            raise AssertionError(torch.backends.cudnn.version())
        assert torch.backends.cudnn.enabled is True and torch.backends.cudnn.benchmark is True
        """,
    "tf32": """
        import torch

        torch.backends.cuda.matmul.allow_tf32 = True
        torch.set_float32_matmul_precision("high")
        assert torch.get_float32_matmul_precision() == "high"
        assert not torch.backends.cuda.is_built()
        """,
    "sdpa": """
        import torch
        import torch.nn.functional as F

        HAS_SDPA = hasattr(F, "scaled_dot_product_attention")
        FLASH = HAS_SDPA and torch.cuda.is_available() and torch.backends.cuda.flash_sdp_enabled()
        assert HAS_SDPA and not FLASH
        """,
    "amp": """
        from functools import partial

        import torch

        AMP = torch.cuda.is_available()
        DTYPE = torch.bfloat16 if AMP and torch.cuda.is_bf16_supported() else torch.float32
        autocast = partial(torch.autocast, device_type="cuda" if AMP else "cpu", dtype=DTYPE, enabled=AMP)
        SCALER = torch.amp.GradScaler("cuda", enabled=AMP)
        assert DTYPE is torch.float32
        """,
    "amp_old": """
        try:
            from torch.amp import custom_bwd, custom_fwd
        except ImportError:
            from torch.cuda.amp import custom_bwd, custom_fwd
        import torch

        class Double(torch.autograd.Function):
            @staticmethod
            @custom_fwd(device_type="cuda")
            def forward(ctx, x):
                return x * 2

            @staticmethod
            @custom_bwd(device_type="cuda")
            def backward(ctx, grad):
                return grad * 2
        """,
    "compile": """
        import torch

        COMPILE = hasattr(torch, "compile") and torch.cuda.is_available()

        def maybe_compile(function):
            return torch.compile(function) if COMPILE else function

        @maybe_compile
        def double(x):
            return x * 2

        fast = torch.compile(double) if COMPILE else double
        assert double(2) == fast(2) == 4
        assert not torch.compiler.is_compiling() and not torch.jit.is_scripting() and not torch.jit.is_tracing()
        """,
    "compiled": """
        import torch

        def add(a, b):
            return a + b

        fast = torch.compile(add) if getattr(torch, "compile", None) else add

        @torch.compiler.disable
        def slow(a):
            return -a

        assert slow(1) == -1 and callable(fast)
        """,
    "worker": """
        from torch.utils.data import get_worker_info

        WORKER = 0 if get_worker_info() is None else get_worker_info().id
        assert WORKER == 0
        """,
    "triton": """
        import torch
        from torch.utils._triton import has_triton

        USE_TRITON = torch.cuda.is_available() and has_triton()
        assert not USE_TRITON
        """,
    "dynamo": """
        import torch
        import torch._dynamo

        torch._dynamo.config.suppress_errors = True
        torch._dynamo.config.cache_size_limit = 64
        assert not torch._dynamo.is_compiling()
        """,
    "distributed": """
        import torch.distributed as dist

        def rank():
            return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0

        IS_MAIN = rank() == 0
        assert IS_MAIN
        """,
    "distributed_or_not": """
        import torch

        try:
            WORLD = torch.distributed.get_world_size()
        except (RuntimeError, ValueError):
            WORLD = 1
        BACKEND = "nccl" if torch.cuda.is_available() and torch.distributed.is_nccl_available() else "gloo"
        assert WORLD == 1 and BACKEND == "gloo"
        """,
    "dtype": """
        import torch

        assert torch.get_default_dtype() is torch.float32
        torch.set_default_dtype(torch.float64)
        assert torch.get_default_dtype() is torch.float64
        torch.set_default_dtype(torch.float32)
        DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
        assert getattr(torch, "bfloat16") is DTYPES["bf16"]
        """,
    "seed": """
        import random

        import torch

        def seed_everything(seed):
            random.seed(seed)
            torch.manual_seed(seed)
            torch.cuda.manual_seed_all(seed)
            torch.use_deterministic_algorithms(True, warn_only=True)

        seed_everything(7)
        assert torch.initial_seed() == 7 and torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(False)
        """,
    "threads": """
        import os

        import torch

        THREADS = min(4, torch.get_num_threads())
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1 and THREADS >= 1
        """,
    "is_tensor": """
        import torch

        def to_device(value, device):
            if torch.is_tensor(value):
                return value.to(device)
            return {key: to_device(each, device) for key, each in value.items()} if isinstance(value, dict) else value

        assert to_device({"a": [1], "b": "text"}, "cpu") == {"a": [1], "b": "text"}
        assert not torch.is_tensor(3)
        """,
    "memory": """
        import torch

        def report():
            return f"{torch.cuda.memory_allocated() / 2**20:.0f} of {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB"

        assert report() == "0 of 0 MiB" and not torch.cuda.is_initialized()
        """,
    "hub": """
        import os

        import torch

        WEIGHTS = os.path.join(torch.hub.get_dir(), "checkpoints")
        assert WEIGHTS.endswith(os.path.join("torch", "hub", "checkpoints"))
        """,
}
TESTS = """
import importlib

import pytest


@pytest.mark.parametrize("name", {names!r})
def test_idiom(name):
    importlib.import_module(f"idiom_{{name}}")
"""


@pytest.fixture
def idioms(suite: Suite) -> Suite:
    """A suite with a module for each, and a test that imports it."""
    for name, text in IDIOMS.items():
        suite.write(f"idiom_{name}.py", text)
    suite.tests(TESTS.format(names=list(IDIOMS)))
    return suite


def test_with_a_stand_in_where_there_is_no_torch(idioms: Suite) -> None:
    """All are imported, and none is skipped."""
    idioms.write("without/sitecustomize.py", NO_TORCH)
    without = (idioms.path / "without",)
    idioms.run(path=without).assert_outcomes(failed=len(IDIOMS))
    idioms.run("--heavy-stub=torch", path=without).assert_outcomes(passed=len(IDIOMS))


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="not installed: torch")
def test_torch_says_the_same_where_it_has_no_device(idioms: Suite) -> None:
    """So the answers of the stand-in are true ones. Names are checked as well where torch is known."""
    idioms.run(has_cache=True, CUDA_VISIBLE_DEVICES="").assert_outcomes(passed=len(IDIOMS))


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="not installed: torch")
def test_with_a_committed_file(idioms: Suite) -> None:
    """A job without torch checks names and calls against torch, and all idioms pass."""
    idioms.declare("torch", heavy_stub_file="stand-ins.json")
    idioms.run("--heavy-stub-update", CUDA_VISIBLE_DEVICES="").assert_outcomes(passed=len(IDIOMS))
    idioms.write("without/sitecustomize.py", NO_TORCH)
    idioms.write("idiom_wrong.py", "import torch\n\nLAYER = torch.nn.Linear(3)\n")
    idioms.tests(TESTS.format(names=[*IDIOMS, "wrong"]))
    result = idioms.run("--heavy-stub=torch", path=(idioms.path / "without",))
    result.assert_outcomes(passed=len(IDIOMS), failed=1)
    assert "missing a required argument: 'out_features'" in result.stdout.str()


def test_an_answer_can_be_configured(suite: Suite) -> None:
    """As anything else of a stand-in; the next test begins anew, and calls are recorded."""
    suite.tests(
        """
        import pytest
        import torch

        @pytest.mark.parametrize("_", range(2))
        def test_it(_):
            assert torch.cuda.is_available() is False
            torch.cuda.is_available.return_value = True
            torch.cuda.device_count.side_effect = [2]
            torch.version.cuda = "12.4"
            torch.set_default_dtype(torch.float64)
            assert torch.cuda.is_available() is True and torch.cuda.device_count() == 2
            assert torch.version.cuda == "12.4" and torch.get_default_dtype() is torch.float64
            assert torch.cuda.is_available.call_count == 2

        def test_a_device_of_which_nothing_is_known():
            torch.cuda.is_available.return_value = True
            torch.distributed.is_initialized.return_value = True
            torch.cuda.get_device_name(0)
            torch.distributed.get_rank()
            with pytest.raises(RuntimeError, match="no answer"):
                bool(torch.cuda.device_count())

        def test_after():
            assert torch.version.cuda is None and torch.get_default_dtype() is torch.float32
            assert torch.cuda.device_count() == 0

        def test_computation():
            torch.ones(3).sum().item() > 2
        """
    )
    suite.run("--heavy-stub=torch").assert_outcomes(passed=4, skipped=1)


OTHERS = {
    "tensorflow": """
        GPUS = pkg.config.list_physical_devices("GPU")
        for gpu in GPUS:
            pkg.config.experimental.set_memory_growth(gpu, True)
        assert not GPUS and len(pkg.config.list_physical_devices()) == 1 and not pkg.test.is_gpu_available()
        assert pkg.executing_eagerly() and not pkg.is_tensor(3) and pkg.__version__.startswith("2.")
        assert not pkg.sysconfig.get_build_info()["is_cuda_build"]
        """,
    "jax": """
        assert pkg.default_backend() == "cpu" and pkg.device_count() == 1 and pkg.process_index() == 0
        assert pkg.devices()[0].platform == "cpu" and pkg.config.jax_enable_x64 is False
        try:
            GPUS = pkg.devices("gpu")
        except RuntimeError:
            GPUS = []
        assert not GPUS
        """,
    "cupy": """
        import numpy

        HAS_GPU = pkg.is_available() and pkg.cuda.runtime.getDeviceCount() > 0
        assert not HAS_GPU and pkg.get_array_module([1]) is numpy
        """,
}


@pytest.mark.parametrize("package", OTHERS)
def test_other_packages(suite: Suite, package: str) -> None:
    """They have answers as well."""
    suite.write("idiom.py", f"import {package} as pkg\n" + __import__("textwrap").dedent(OTHERS[package]))
    suite.tests("def test_it():\n    import idiom\n")
    suite.run(f"--heavy-stub={package}").assert_outcomes(passed=1)
