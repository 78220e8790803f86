"""Nothing of ours initialises CUDA: whatever a run does, torch's functions that start the driver are not called."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..support.suite import Suite

    Starter = Callable[..., str]

pytestmark = [
    pytest.mark.torch,
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
]

RECORDER = '''
"""A plugin that records, in a file, who starts CUDA: by torch's functions, or however else."""

import os
import sys
import traceback
from importlib.machinery import PathFinder

STARTING = """
    _lazy_init init is_available device_count current_device set_device synchronize get_device_properties mem_get_info
    get_device_capability get_device_name memory_allocated memory_stats empty_cache manual_seed_all get_rng_state
""".split()


def record(what):
    with open("started", "a") as file:
        print(what, *traceback.format_stack()[-4:-1], file=file)


class Finder:
    """Wraps the functions as soon as there are any."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        if fullname != "torch.cuda":
            return None
        spec = PathFinder.find_spec(fullname, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            for name in STARTING:
                setattr(module, name, recorded(name, getattr(module, name)))
            open("recording", "a").close()

        spec.loader.exec_module = exec_module
        return spec


def recorded(name, function):
    def call(*arguments, **options):
        record(name)
        return function(*arguments, **options)

    return call


sys.meta_path.insert(0, Finder)


def pytest_unconfigure():
    from pytest_heavyimports.cuda.driver import is_driver_started

    torch = sys.modules.get("torch")
    if is_driver_started():
        record("driver")
    if torch is not None and type(torch).__name__ == "module" and "cuda" in vars(torch) and torch.cuda.is_initialized():
        record("torch")
'''
TESTS = """
    import os
    import sys

    import pytest

    def test_fixture(torch): pass
    def test_function(heavy_module):
        heavy_module("torch", "nn.Linear")
    def test_statement():
        import torch
        import torch.cuda
    @pytest.mark.cuda
    def test_marked(): pass
    @pytest.mark.cuda(devices=2, memory="1GiB", capability=(7, 0))
    def test_demanding(): pass
    def test_device(cuda_device): pass
    """
FORK = """
    import os

    def test_fork(torch):
        child = os.fork()
        if not child:
            os._exit(torch.cuda._is_in_bad_fork())
        assert os.waitpid(child, 0)[1] == 0
    """
EVICT = """
    import sys

    def test_evict(torch):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
            del sys.modules[name]
        import torch
    """


@pytest.fixture
def started(suite: Suite) -> Starter:
    """Runs the suite, and gives what was recorded of CUDA."""

    def run(*arguments: str, is_torch_there: bool = True, **settings: str) -> str:
        suite.write("recorder.py", RECORDER)
        suite.declare("torch", **settings)
        result = suite.run("-p", "recorder", *arguments, path=(suite.path,))
        assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), result.stderr.str()
        assert (suite.path / "recording").exists() == is_torch_there
        record = suite.path / "started"
        return record.read_text(encoding="utf-8") if record.exists() else ""

    return run


def test_the_recorder_sees_who_starts_cuda(suite: Suite, started: Starter) -> None:
    """Or the tests below could not fail."""
    suite.tests("def test_it(torch):\n    torch.cuda.is_available()\n")
    assert started().startswith("is_available")


@pytest.mark.parametrize("tests", [TESTS, FORK], ids=["importing", "forking"])
def test_importing_and_forking(suite: Suite, started: Starter, tests: str) -> None:
    """By fixture, by function, by statement; asking for devices; a child that is forked after it."""
    suite.tests(tests)
    assert started() == ""


@pytest.mark.parametrize("mode", ["restore", "error"])
def test_guarding(suite: Suite, started: Starter, mode: str) -> None:
    """An eviction, and what it takes to put all back."""
    suite.tests(EVICT)
    assert started(f"--heavy-guard={mode}") == ""


def test_preloading(suite: Suite, started: Starter) -> None:
    """Before the first conftest.py."""
    suite.tests(TESTS)
    assert started("--heavy-preload") == ""


def test_deferring(suite: Suite, started: Starter) -> None:
    """The import at the first use."""
    suite.tests("import torch\n\ndef test_it():\n    assert torch.ones(2).sum() == 2\n")
    assert started("--heavy-defer") == ""


def test_reporting(suite: Suite, started: Starter) -> None:
    """The section at the end."""
    suite.tests(TESTS)
    assert started("-v", "-rA") == ""


def test_collecting(suite: Suite, started: Starter) -> None:
    """A file that imports torch, and tests that need devices."""
    suite.tests("import torch\n" + TESTS.replace("\n    ", "\n"))
    assert started("--collect-only", "-m", "cuda or heavy") == ""


def test_listing(suite: Suite, started: Starter) -> None:
    """torch is not even imported."""
    assert started("--heavy-list", is_torch_there=False) == ""


def test_stand_ins(suite: Suite, started: Starter) -> None:
    """Of a whole run, and for one test."""
    suite.tests(TESTS)
    assert started("--heavy-stub=torch", is_torch_there=False) == ""
    suite.tests("def test_it(heavy_stub):\n    heavy_stub('torch').cuda.is_available()\n\ndef test_real(torch): pass\n")
    assert started() == ""


def test_looking_for_leaks(suite: Suite, started: Starter) -> None:
    """Of a test that allocates nothing on a device."""
    suite.tests(
        """
        import pytest

        @pytest.mark.cuda
        def test_it(): pass
        """
    )
    suite.write(
        "conftest.py",
        """
        from pytest_heavyimports.cuda import session
        from pytest_heavyimports.cuda.devices import Device, Facts

        session.CudaSession.__init__.__kwdefaults__.update(read=lambda: Facts((Device(0),)), build=lambda: None)
        """,
    )
    assert started(heavy_cuda_leak="error") == ""
