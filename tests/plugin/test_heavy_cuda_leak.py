"""``heavy_cuda_leak`` and ``heavy_cuda_leak_tolerance``, with a simulated driver and torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.simulated import Gpu, cuda_torch, nvml

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..support.suite import Suite

    Runner = Callable[..., pytest.RunResult]

LEAKING = """
    import pytest
    import torch

    kept = []

    @pytest.mark.cuda
    def test_leaks():
        kept.append(torch.Tensor(1024, 1024))
        kept.append(torch.Tensor(3, number=1))

    @pytest.mark.cuda
    def test_after():
        torch.Tensor(7)
    """
MESSAGES = [
    "*'test_it.py::test_leaks' left 4 MiB allocated on cuda:0.",
    "*  tensors: Tensor of float32 (1024, 1024), 4 MiB",
    "*Something that outlives the test holds it: a global, a cache, a hook, a fixture that has grown since its setup.",
    "*To allow so much, set heavy_cuda_leak_tolerance, in bytes.",
    "*'test_it.py::test_leaks' left 12 bytes allocated on cuda:1.",
    "*  tensors: Tensor of float32 (3,), 12 bytes",
]


@pytest.fixture
def run(suite: Suite) -> Runner:
    """Runs the suite on a machine with two devices."""
    (suite.path / "lib").mkdir()
    library = nvml(suite.path / "lib", [Gpu("GPU-a"), Gpu("GPU-b")])
    cuda_torch(suite.path)

    def run(*arguments: str, **settings: str) -> pytest.RunResult:
        suite.declare(**settings)
        return suite.run(*arguments, LD_LIBRARY_PATH=str(library))

    return run


def test_off(suite: Suite, run: Runner) -> None:
    """Nothing is told unless it is asked for."""
    suite.tests(LEAKING)
    assert run().parseoutcomes() == {"passed": 2}


def test_warn(suite: Suite, run: Runner) -> None:
    """A warning at the culprit, for each device, with the tensors; nobody fails."""
    suite.tests(LEAKING)
    result = run(heavy_cuda_leak="warn")
    assert result.parseoutcomes() == {"passed": 2, "warnings": 2}
    result.stdout.fnmatch_lines(MESSAGES)
    assert "test_it.py::test_after" not in result.stdout.str()


def test_error(suite: Suite, run: Runner) -> None:
    """The culprit fails in its teardown, and the test after it passes."""
    suite.tests(LEAKING)
    result = run("-v", heavy_cuda_leak="error")
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    result.stdout.fnmatch_lines(["test_it.py::test_leaks ERROR*", "test_it.py::test_after PASSED*"])
    result.stdout.fnmatch_lines(MESSAGES)


def test_warnings_as_errors(suite: Suite, run: Runner) -> None:
    """As any other warning."""
    suite.tests(LEAKING)
    result = run("-Werror::pytest_heavyimports.HeavyImportWarning", heavy_cuda_leak="warn")
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}


def test_tolerance(suite: Suite, run: Runner) -> None:
    """So many bytes may stay."""
    suite.tests(LEAKING)
    result = run(heavy_cuda_leak="error", heavy_cuda_leak_tolerance="12")
    assert "cuda:1" not in result.stdout.str()
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    assert run(heavy_cuda_leak="error", heavy_cuda_leak_tolerance=str(2**22)).parseoutcomes() == {"passed": 2}


def test_what_is_no_leak(suite: Suite, run: Runner) -> None:
    """Arguments, cycles, what a fixture of a wider scope keeps, what a failed test's traceback holds."""
    suite.tests(
        """
        import gc

        import pytest
        import torch

        pytestmark = pytest.mark.cuda
        earlier = torch.Tensor(5)

        @pytest.fixture
        def batch():
            return torch.Tensor(64)

        @pytest.fixture(scope="module")
        def model():
            return [torch.Tensor(256)]

        @pytest.fixture(scope="module", autouse=True)
        def no_collection():
            gc.disable()
            yield
            gc.enable()

        def test_argument(batch): pass

        @pytest.mark.parametrize("size", [1, 2])
        def test_model(model, batch, size): pass

        def test_cycle():
            cycle = [torch.Tensor(32)]
            cycle.append(cycle)

        def test_fails(batch):
            local = torch.Tensor(16)
            assert local is None

        def test_after(model): pass
        """
    )
    result = run(heavy_cuda_leak="error")
    assert result.parseoutcomes() == {"passed": 5, "failed": 1}


def test_a_fixture_that_grows(suite: Suite, run: Runner) -> None:
    """What a test adds to what a fixture keeps outlives the test; what the fixture frees makes up for no leak."""
    suite.tests(
        """
        import pytest
        import torch

        kept = []

        @pytest.fixture(scope="session")
        def cache():
            return [torch.Tensor(256)]

        @pytest.mark.cuda
        def test_first(cache): pass

        @pytest.mark.cuda
        def test_grows(cache):
            cache.append(torch.Tensor(8))

        @pytest.mark.cuda
        def test_last(cache):
            kept.append(torch.Tensor(64))
        """
    )
    result = run("-v", heavy_cuda_leak="error")
    result.stdout.fnmatch_lines(["*test_first PASSED*", "*test_grows ERROR*", "*test_last ERROR*"])
    result.stdout.fnmatch_lines(["*'test_it.py::test_grows' left 32 bytes allocated on cuda:0."])


def test_other_tests_are_not_watched(suite: Suite, run: Runner) -> None:
    """What they leave is no fault of the cuda test after them."""
    suite.tests(
        """
        import pytest
        import torch

        kept = []

        def test_unmarked():
            kept.append(torch.Tensor(256))

        @pytest.mark.cuda
        def test_it(): pass
        """
    )
    assert run(heavy_cuda_leak="error").parseoutcomes() == {"passed": 2}


def test_flags_and_seeds(suite: Suite, run: Runner) -> None:
    """What a test leaves changed is told, and in neither mode does it fail for that."""
    suite.tests(
        """
        import pytest
        import torch

        @pytest.mark.cuda
        def test_changes(monkeypatch):
            monkeypatch.setattr(torch.backends.cudnn, "benchmark", None)
            torch.manual_seed(0)

        @pytest.mark.cuda
        def test_changes_more():
            torch.backends.cudnn.benchmark = True

        def test_unmarked():
            torch.manual_seed(5)
        """
    )
    for mode in ("warn", "error"):
        result = run(heavy_cuda_leak=mode)
        assert result.parseoutcomes() == {"passed": 3, "warnings": 2}
        result.stdout.fnmatch_lines(
            [
                "*test_it.py:4: HeavyImportWarning: 'test_it.py::test_changes' left torch changed for the tests "
                "after it.",
                "*  torch.initial_seed: 1, now 0",
                "*To change a flag for one test, use monkeypatch.setattr or torch's own context manager; a seed, "
                "torch.random.fork_rng.",
                "*'test_it.py::test_changes_more' left torch changed for the tests after it.",
                "*  torch.backends.cudnn.benchmark: False, now True",
            ]
        )
    assert run(heavy_cuda_leak="off").parseoutcomes() == {"passed": 3}


def test_without_torch(suite: Suite, run: Runner) -> None:
    """There is nothing to look at."""
    suite.write("conftest.py", "from pytest_heavyimports.cuda import hooks\n\nhooks.locate = lambda name: None\n")
    suite.tests("import pytest, sys\n\n@pytest.mark.cuda\ndef test_it():\n    assert 'torch' not in sys.modules\n")
    assert run(heavy_cuda_leak="error").parseoutcomes() == {"passed": 1}


def test_a_test_that_is_skipped_does_not_import_torch(suite: Suite, run: Runner) -> None:
    """It has nothing to leave."""
    suite.tests(
        """
        import sys

        import pytest

        @pytest.mark.cuda(devices=3)
        def test_it(): pass

        def test_light():
            assert "torch" not in sys.modules
        """
    )
    assert run(heavy_cuda_leak="error").parseoutcomes() == {"passed": 1, "skipped": 1}
