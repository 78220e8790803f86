"""``heavy_cuda_workers``, and the devices that each worker of pytest-xdist is dealt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ..support.compiling import build_library
from ..support.simulated import DRIVER, Gpu, Instance, cuda_torch, nvml
from ..support.suite import usage_errors

if TYPE_CHECKING:
    from ..support.suite import Suite

GPUS = [Gpu("GPU-a"), Gpu("GPU-b")]
MANY = """
    import os
    import time

    import pytest

    @pytest.mark.cuda
    @pytest.mark.parametrize("number", range(8))
    def test_cuda(number):
        begin = time.monotonic()
        time.sleep(0.1)
        with open("seen", "a") as file:
            device = os.environ.get("CUDA_VISIBLE_DEVICES")
            print(os.environ.get("PYTEST_XDIST_WORKER"), device, begin, time.monotonic(), file=file)
    """
AT_IMPORT = """
import os

with open("early", "a") as file:
    print(os.environ.get("PYTEST_XDIST_WORKER"), os.environ.get("CUDA_VISIBLE_DEVICES"), file=file)
"""


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is started here would deal as the worker that runs this test."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


def run(suite: Suite, workers: int, *gpus: Gpu, file: str = "test_it.py", **environment: str) -> pytest.RunResult:
    """Run a file by so many workers on a machine with these devices."""
    library = suite.path / "lib"
    library.mkdir(exist_ok=True)
    environment = {"LD_LIBRARY_PATH": str(nvml(library, gpus)), **environment}
    return suite.run("-n", str(workers), "-p", "xdist", "-rs", file, **environment)


def seen(suite: Suite) -> dict[str, str]:
    """The device of each worker that has run a test."""
    return dict(line.split()[:2] for line in (suite.path / "seen").read_text().splitlines())


def most_at_once(suite: Suite) -> int:
    """How many tests ran at the same time, at most."""
    spans = [tuple(map(float, line.split()[2:])) for line in (suite.path / "seen").read_text().splitlines()]
    return max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)


def test_devices_are_dealt(suite: Suite) -> None:
    """Each worker sees one of them, and the controller all."""
    cuda_torch(suite.path)
    suite.tests(MANY)
    assert run(suite, 2, *GPUS).parseoutcomes() == {"passed": 8}
    assert seen(suite) == {"gw0": "0", "gw1": "1"}


@pytest.mark.parametrize(("visible", "dealt"), [("1,0", {"1", "0"}), ("GPU-b,GPU-a", {"GPU-b", "GPU-a"}), ("1", {"1"})])
def test_what_the_user_lets_it_see_is_dealt(suite: Suite, visible: str, dealt: set[str]) -> None:
    """In his own words, and no more."""
    cuda_torch(suite.path)
    suite.tests(MANY)
    run(suite, 2, *GPUS, CUDA_VISIBLE_DEVICES=visible).assert_outcomes(passed=8)
    assert set(seen(suite).values()) == dealt


def test_instances_of_a_partitioned_gpu_are_dealt(suite: Suite) -> None:
    """By their ids."""
    cuda_torch(suite.path)
    suite.tests(MANY)
    gpu = Gpu("GPU-a", is_partitioned=True, instances=(Instance("MIG-1"), Instance("MIG-2")))
    run(suite, 2, gpu).assert_outcomes(passed=8)
    assert seen(suite) == {"gw0": "MIG-1", "gw1": "MIG-2"}


def test_workers_that_share_a_device_use_it_in_turn(suite: Suite) -> None:
    """Four workers on one device: one test at a time."""
    cuda_torch(suite.path)
    suite.tests(MANY)
    run(suite, 4, Gpu("GPU-a")).assert_outcomes(passed=8)
    assert len(seen(suite)) > 1
    assert most_at_once(suite) == 1


def test_more_at_once(suite: Suite) -> None:
    """As many as the user says, on one device."""
    cuda_torch(suite.path)
    suite.declare(heavy_cuda_workers="4")
    suite.tests(MANY.replace("0.1", "0.5"))
    run(suite, 4, Gpu("GPU-a")).assert_outcomes(passed=8)
    assert most_at_once(suite) > 1


def test_fewer_at_once(suite: Suite) -> None:
    """One, on two devices."""
    cuda_torch(suite.path)
    suite.declare(heavy_cuda_workers="1")
    suite.tests(MANY)
    run(suite, 2, *GPUS).assert_outcomes(passed=8)
    assert len(seen(suite)) == 2
    assert most_at_once(suite) == 1


def test_with_the_setting_devices_are_dealt_before_anything_is_imported(suite: Suite) -> None:
    """A conftest.py, and what it imports, sees no more than its worker's share."""
    cuda_torch(suite.path)
    suite.declare(heavy_cuda_workers="2")
    suite.write("conftest.py", AT_IMPORT)
    suite.tests(MANY)
    run(suite, 2, *GPUS).assert_outcomes(passed=8)
    early = dict(line.split() for line in (suite.path / "early").read_text().splitlines())
    assert early == {"None": "None", "gw0": "0", "gw1": "1"}
    assert set(seen(suite).values()) == {"0", "1"}


def test_too_late(suite: Suite) -> None:
    """A file that starts CUDA when it is collected has it with all devices: a warning says what to do."""
    library = suite.path / "lib"
    library.mkdir()
    build_library(DRIVER, library / "libcuda.so.1")
    cuda_torch(suite.path)
    suite.tests(f"import ctypes\n\nctypes.CDLL('libcuda.so.1').cuInit(0)\n\n{MANY.replace(chr(10) + '    ', chr(10))}")
    result = run(suite, 2, *GPUS)
    assert result.parseoutcomes()["passed"] == 8
    assert set(seen(suite).values()) == {"None"}
    result.stdout.fnmatch_lines(
        [
            "*HeavyImportWarning: The CUDA devices were not dealt to the workers of pytest-xdist: CUDA was initialised "
            "while the tests were collected, and each worker sees all devices. Set heavy_cuda_workers = 2, and they "
            "are dealt before the first conftest.py is read."
        ]
    )
    suite.declare(heavy_cuda_workers="2")
    (suite.path / "seen").unlink()
    result = run(suite, 2, *GPUS)
    assert result.parseoutcomes() == {"passed": 8}
    assert set(seen(suite).values()) == {"0", "1"}


def test_a_test_that_needs_more_than_the_share_is_skipped(suite: Suite) -> None:
    """With that reason."""
    cuda_torch(suite.path)
    suite.tests("import pytest\n\n@pytest.mark.cuda(devices=2)\ndef test_it(): pass\n")
    result = run(suite, 2, *GPUS)
    result.assert_outcomes(skipped=1)
    assert re.search(r"needs 2 CUDA devices, and worker gw[01] of pytest-xdist was dealt 1 of 2", result.stdout.str())


def test_a_pytest_that_a_test_starts(suite: Suite) -> None:
    """It has what its worker was dealt, deals nothing, and waits for no turn."""
    cuda_torch(suite.path)
    suite.declare(heavy_cuda_workers="1")
    suite.write(
        "inner/test_inner.py",
        """
        import os

        import pytest

        @pytest.mark.cuda
        def test_it():
            print("sees", os.environ["CUDA_VISIBLE_DEVICES"])
        """,
    )
    suite.tests(
        """
        import os, subprocess, sys

        import pytest

        @pytest.mark.cuda(devices=2)
        @pytest.mark.parametrize("number", range(2))
        def test_it(number):
            command = [sys.executable, "-m", "pytest", "-s", "-p", "pytest_heavyimports.plugin", "inner"]
            ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert ran.returncode == 0, ran.stdout
            assert f"sees {os.environ['CUDA_VISIBLE_DEVICES']}\\n" in ran.stdout
        """
    )
    result = run(suite, 2, *GPUS, Gpu("GPU-c"), Gpu("GPU-d"))
    result.assert_outcomes(passed=2)


def test_a_run_that_uses_no_cuda_is_left_alone(suite: Suite) -> None:
    """Nothing is dealt where no test asks for it."""
    suite.tests("import os\n\ndef test_it():\n    assert 'CUDA_VISIBLE_DEVICES' not in os.environ\n")
    run(suite, 2, *GPUS).assert_outcomes(passed=1)


def test_without_xdist_nothing_is_dealt(suite: Suite) -> None:
    """There is nobody to share with; devices of different kinds are counted as the driver counts them."""
    (suite.path / "lib").mkdir()
    library = nvml(suite.path / "lib", [Gpu("GPU-a"), Gpu("GPU-b", "Tesla T4", (7, 5))])
    cuda_torch(suite.path)
    suite.declare(heavy_cuda_workers="1")
    suite.tests(
        """
        import os

        import pytest

        @pytest.mark.cuda
        def test_it():
            assert "CUDA_VISIBLE_DEVICES" not in os.environ
            assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
        """
    )
    suite.run(LD_LIBRARY_PATH=str(library)).assert_outcomes(passed=1)


def test_nothing_is_left_behind(suite: Suite) -> None:
    """The file of turns lies in the run's own directory for temporary files, which pytest removes."""
    cuda_torch(suite.path)
    suite.tests(MANY)
    run(suite, 2, *GPUS).assert_outcomes(passed=8)
    assert [file.parent.name for file in suite.path.parent.rglob("cuda-turns")] == ["basetemp"]


def test_no_number(suite: Suite) -> None:
    """What is no number is refused."""
    suite.declare(heavy_cuda_workers="all", heavy_cuda_leak_tolerance="1MiB", heavy_cuda_leak="yes")
    suite.tests("def test_it(): pass\n")
    assert sorted(usage_errors(suite.run())) == [
        "heavy_cuda_leak: 'yes' is none of off, warn, error (pytest.ini, [pytest]).",
        "heavy_cuda_leak_tolerance: '1MiB' is no number of bytes (pytest.ini, [pytest]).",
        "heavy_cuda_workers: 'all' is no number of workers (pytest.ini, [pytest]).",
    ]
