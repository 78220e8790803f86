"""The fixture cuda_device, with a simulated driver and torch; tests with a device are in tests/cuda."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.simulated import GIB, Gpu, cuda_torch, nvml

if TYPE_CHECKING:
    from ..support.suite import Suite

TESTS = "def test_it(cuda_device):\n    assert (cuda_device.type, cuda_device.index) == ('cuda', 0)\n"


@pytest.fixture
def driver(suite: Suite) -> str:
    """The directory of a driver that has two devices, the second with more room."""
    (suite.path / "lib").mkdir()
    return str(nvml(suite.path / "lib", [Gpu("GPU-a", free_bytes=2 * GIB), Gpu("GPU-b")]))


def test_the_first_device_is_given(suite: Suite, driver: str) -> None:
    """As torch.device."""
    cuda_torch(suite.path)
    suite.tests(TESTS)
    suite.run(LD_LIBRARY_PATH=driver).assert_outcomes(passed=1)


def test_the_device_meets_the_mark(suite: Suite, driver: str) -> None:
    """The first one that does, asked for in whatever way."""
    cuda_torch(suite.path)
    suite.tests(
        """
        import pytest

        @pytest.mark.cuda(memory="4GiB")
        class TestMuch:
            def test_it(self, cuda_device):
                assert cuda_device.index == 1

            def test_late(self, request):
                assert request.getfixturevalue("cuda_device").index == 1

            @pytest.mark.cuda(memory="1GiB")
            def test_less(self, cuda_device):
                assert cuda_device.index == 0
        """
    )
    result = suite.run("-rs", LD_LIBRARY_PATH=driver)
    # Who asks late has no fixture when it is looked at, and would get the first device.
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(["*needs a CUDA device with 4 GiB of free memory: cuda:0 (Simulated A100) has 2 GiB"])


@pytest.mark.parametrize(
    ("cuda", "visible", "reason"),
    [
        (None, None, "no CUDA device: torch 2.13.0 is built without CUDA"),
        ("13.0", "", "no CUDA device: CUDA_VISIBLE_DEVICES is ''"),
        ("13.0", "-1", "no CUDA device: CUDA_VISIBLE_DEVICES is '-1'"),
        ("14.0", None, "no CUDA device: the driver is for CUDA 13.0 at most, and torch 2.13.0 is built for 14.0"),
    ],
)
def test_without_a_device_the_test_is_skipped(
    suite: Suite, driver: str, cuda: str | None, visible: str | None, reason: str
) -> None:
    """The reason says what is missing, and torch is not imported to find it."""
    cuda_torch(suite.path, cuda=cuda)
    (suite.path / "torch" / "__init__.py").write_text("raise AssertionError('imported')", encoding="utf-8")
    suite.tests(
        """
        def test_it(cuda_device): pass

        def test_late(request):
            request.getfixturevalue("cuda_device")
        """
    )
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    result = suite.run("-rs", LD_LIBRARY_PATH=driver, **environment)
    result.assert_outcomes(skipped=2)
    assert sum(line.endswith(reason) for line in result.outlines) == 2, result.stdout.str()


def test_without_torch_the_test_is_skipped(suite: Suite, driver: str) -> None:
    """Where torch is not installed, that is the reason."""
    cuda_torch(suite.path)
    suite.write("conftest.py", "import sys\n\nsys.modules['torch'] = None\n")
    suite.tests("def test_it(cuda_device): pass\n")
    result = suite.run("-rs", LD_LIBRARY_PATH=driver)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *could not import 'torch': *"])


def test_a_fixture_of_the_suite_in_its_place(suite: Suite) -> None:
    """A suite that has a fixture of that name gets that."""
    suite.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef cuda_device():\n    return 'mine'\n")
    suite.tests("def test_it(cuda_device):\n    assert cuda_device == 'mine'\n")
    suite.run().assert_outcomes(passed=1)


def test_other_tests_dont_import_torch(suite: Suite) -> None:
    """A suite that doesn't ask for the device doesn't import torch."""
    suite.tests("import sys\n\ndef test_it():\n    assert 'torch' not in sys.modules\n")
    suite.run().assert_outcomes(passed=1)
