"""Isolated tests and the real torch: computing in children, wherever else something has computed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.errors import FORK_REMEDY

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one CPU computes without threads"),
]

PRODUCT = "(torch.ones(800, 800) @ torch.ones(800, 800)).sum().item() == 800**3"


def test_earlier_tests_have_computed(torch_suite: Suite) -> None:
    """The template was forked before."""
    torch_suite.declare("torch")
    torch_suite.tests(
        f"""
        import pytest

        def test_here(torch):
            assert {PRODUCT}

        @pytest.mark.heavy_isolated(method="fork")
        @pytest.mark.parametrize("number", range(3))
        def test_it(torch, number):
            assert {PRODUCT}
        """
    )
    torch_suite.declare("torch", heavy_isolate_timeout="60")
    torch_suite.run().assert_outcomes(passed=4)


def test_a_file_that_computes_when_it_is_imported(suite: Suite) -> None:
    """The template has collected nothing. Each child imports the file, and so imports torch and computes."""
    suite.declare(heavy_isolate_timeout="60")
    suite.tests(
        f"""
        import pytest
        import torch

        TABLE = torch.ones(800, 800) @ torch.ones(800, 800)

        @pytest.mark.heavy_isolated(method="fork")
        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            assert {PRODUCT}
        """
    )
    suite.run().assert_outcomes(passed=3)


def test_declared_code_that_computes_when_it_is_imported(torch_suite: Suite) -> None:
    """The template goes on without having imported it."""
    torch_suite.write("tables.py", "import torch\n\nTABLE = torch.ones(800, 800) @ torch.ones(800, 800)\n")
    torch_suite.declare("torch", "tables", heavy_isolate_timeout="60")
    torch_suite.tests(
        f"""
        import pytest

        @pytest.mark.heavy_isolated(method="fork")
        @pytest.mark.parametrize("number", range(3))
        def test_it(torch, tables, number):
            assert {PRODUCT}
        """
    )
    torch_suite.run(path=(torch_suite.path,)).assert_outcomes(passed=3)


CONFTEST = """
    import torch

    TABLE = torch.ones(800, 800) @ torch.ones(800, 800)
"""


@pytest.mark.parametrize(
    ("flags", "where"),
    [((), "start-up or collection"), pytest.param(("--heavy-isolate",), "start-up", marks=pytest.mark.slow)],
)
def test_a_conftest_that_computes(torch_suite: Suite, flags: tuple[str, ...], where: str) -> None:
    """No process can be forked: a fresh interpreter for each test; ``method="fork"`` is refused, with the reason."""
    torch_suite.declare(heavy_isolate_timeout="60")
    torch_suite.write("conftest.py", CONFTEST)
    torch_suite.tests(
        f"""
        import pytest
        import torch

        @pytest.mark.heavy_isolated
        def test_it():
            assert {PRODUCT}

        @pytest.mark.heavy_isolated(method="fork")
        def test_forked():
            pass
        """
    )
    result = torch_suite.run(*flags)
    result.assert_outcomes(passed=1, errors=1)
    threads = (os.cpu_count() or 1) - 1
    fault = f"it has {threads} thread{'s' if threads > 1 else ''}"
    lines = result.outlines
    begin = lines.index(
        "'test_it.py::test_forked' can't be run in a process by fork: there, what is computed could hang for ever."
    )
    assert lines[begin + 1].startswith(f"  this process: {fault}")
    assert lines[begin + 2] == f"  where:        {where}"
    assert lines[begin + 3].startswith("  a new one:    it has ")
    assert lines[begin + 4 : begin + 6] == [
        *FORK_REMEDY.splitlines(),
    ]


def test_eviction_beside_reload(torch_suite: Suite) -> None:
    """Without the guard: what one test does to torch, no other one sees."""
    torch_suite.declare("torch")
    torch_suite.tests(
        f"""
        import importlib
        import sys

        import pytest

        def test_before(torch):
            assert {PRODUCT}

        @pytest.mark.heavy_isolated
        def test_evicts(torch):
            for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
                del sys.modules[name]
            with pytest.raises(Exception):
                import torch

        @pytest.mark.heavy_isolated
        def test_reloads(torch):
            with pytest.raises(RuntimeError, match="TORCH_LIBRARY"):
                importlib.reload(torch)

        @pytest.mark.heavy_isolated
        def test_changes_the_default(torch):
            torch.set_default_dtype(torch.float64)
            torch.manual_seed(3)

        @pytest.mark.heavy_isolated
        def test_isolated_after(torch):
            assert torch.get_default_dtype() is torch.float32
            assert {PRODUCT}

        def test_after(torch):
            assert sys.modules["torch"] is torch
            assert torch.get_default_dtype() is torch.float32
            assert {PRODUCT}
        """
    )
    result = torch_suite.run()
    outcomes = result.parseoutcomes()
    # Importing it again breaks torch in one of many ways, a crash at the end of the process among them.
    assert outcomes.get("failed", 0) <= 1 and outcomes["passed"] >= 5
    assert "test_evicts" in result.stdout.str() or outcomes == {"passed": 6}


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_under_xdist(suite: Suite, workers: int) -> None:
    """A worker that has imported torch while it collected forks too."""
    suite.tests(
        f"""
        import os

        import pytest
        import torch

        COLLECTED_IN = os.getpid()

        @pytest.mark.heavy_isolated(method="fork")
        @pytest.mark.parametrize("number", range(4))
        def test_it(number):
            assert os.getpid() != COLLECTED_IN
            assert {PRODUCT}
        """
    )
    suite.run("-p", "xdist", "-n", str(workers)).assert_outcomes(passed=4)
