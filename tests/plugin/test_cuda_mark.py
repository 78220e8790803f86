"""The mark ``cuda``: which tests it skips, and what it may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.simulated import Gpu, cuda_torch, nvml
from ..support.suite import usage_errors

if TYPE_CHECKING:
    from ..support.suite import Suite

MANY = """
    import pytest

    @pytest.mark.cuda
    def test_plain(): pass

    @pytest.mark.cuda(devices=2)
    def test_two(): pass

    @pytest.mark.cuda(memory="48GiB")
    def test_large(): pass

    @pytest.mark.cuda(capability=(9, 0))
    def test_new(): pass

    def test_light(): pass
    """


@pytest.fixture
def driver(suite: Suite) -> str:
    """The directory of a driver that has one device."""
    (suite.path / "lib").mkdir()
    return str(nvml(suite.path / "lib", [Gpu("GPU-a")]))


def test_what_a_machine_lacks_is_the_reason(suite: Suite, driver: str) -> None:
    """Each test at its own place; torch is neither needed nor imported."""
    cuda_torch(suite.path)
    (suite.path / "torch" / "__init__.py").write_text("raise AssertionError('imported')", encoding="utf-8")
    suite.tests(MANY)
    result = suite.run("-rs", "-v", LD_LIBRARY_PATH=driver)
    result.assert_outcomes(passed=2, skipped=3)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED [[]1[]] test_it.py:6: needs 2 CUDA devices, and there is 1",
            "SKIPPED [[]1[]] test_it.py:9: needs a CUDA device with 48 GiB of free memory: "
            "cuda:0 (Simulated A100) has 30 GiB",
            "SKIPPED [[]1[]] test_it.py:12: needs a CUDA device of capability 9.0 or newer: "
            "cuda:0 (Simulated A100) has 8.0",
        ]
    )


def test_a_driver_that_is_broken(suite: Suite) -> None:
    """The reason is what the driver's own library says."""
    (suite.path / "lib").mkdir()
    cuda_torch(suite.path)
    suite.tests(MANY)
    result = suite.run("-rs", LD_LIBRARY_PATH=str(nvml(suite.path / "lib", [Gpu("GPU-a")], status=18)))
    result.assert_outcomes(passed=1, skipped=4)
    result.stdout.fnmatch_lines(
        ["*no CUDA device: the NVIDIA driver can't be used: Driver/library version mismatch"] * 4
    )


def test_tests_that_ask_by_fixture_have_the_mark(suite: Suite) -> None:
    """So that ``-m`` selects them."""
    suite.tests("def test_it(cuda_device): pass\n\ndef test_light(): pass\n")
    suite.run("-m", "not cuda").assert_outcomes(passed=1, deselected=1)


def test_nothing_is_asked_for_tests_that_are_not_selected(suite: Suite, driver: str) -> None:
    """Neither the driver's library nor torch."""
    suite.tests(MANY)
    suite.write(
        "conftest.py",
        """
        import sys
        from pathlib import Path

        def pytest_unconfigure():
            print("ctypes" in sys.modules, "nvidia-ml" in Path("/proc/self/maps").read_text())
        """,
    )
    result = suite.run("-m", "not cuda", "-s", LD_LIBRARY_PATH=driver)
    result.assert_outcomes(passed=1, deselected=4)
    assert "nvidia-ml" not in result.outlines[-1]
    assert result.outlines[-1].endswith(" False")
    assert suite.run("--collect-only", "-s", LD_LIBRARY_PATH=driver).outlines[-1].endswith(" False")
    assert suite.run("-s", LD_LIBRARY_PATH=driver).outlines[-1].endswith(" True")


def test_a_skip_of_the_author_comes_along(suite: Suite, driver: str) -> None:
    """Other marks hold as well."""
    suite.tests("import pytest\n\n@pytest.mark.cuda\n@pytest.mark.skip(reason='mine')\ndef test_it(): pass\n")
    cuda_torch(suite.path)
    result = suite.run("-rs", LD_LIBRARY_PATH=driver)
    result.stdout.fnmatch_lines(["SKIPPED*: mine"])


def test_faults_are_told(suite: Suite) -> None:
    """What can't be read ends the run before a test, with a line for each."""
    suite.tests(
        """
        import pytest

        @pytest.mark.cuda(device=2)
        def test_one(): pass

        @pytest.mark.cuda(memory="much")
        def test_two(): pass
        """
    )
    remedy = 'Write it as @pytest.mark.cuda(devices=2, memory="4GiB", capability=(8, 0)).'
    assert usage_errors(suite.run()) == [
        f"test_it.py::test_one: the mark cuda takes devices, memory and capability alone. {remedy}",
        f"test_it.py::test_two: the mark cuda takes memory as '4GiB' or as a number of bytes, not 'much'. {remedy}",
    ]


def test_it_is_listed(suite: Suite) -> None:
    """And so is known where marks are strict."""
    suite.run("--markers").stdout.fnmatch_lines(['@pytest.mark.cuda(devices=1, memory="4GiB", capability=(8, 0)): *'])
    suite.tests("import pytest\n\n@pytest.mark.cuda\ndef test_it(): pass\n")
    suite.run("--strict-markers", "--collect-only").assert_outcomes()
