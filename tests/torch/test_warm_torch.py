"""The real torch in a warm process."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.warm import WarmSuite

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
]

COMPUTES = """
    import json
    import sys

    import numpy
    import torch

    def total():
        with torch.no_grad():
            return torch.ones(600, 600).matmul(torch.ones(600, 600)).sum().item()

    # In parallel, while the file is imported.
    expected = total()

    def test_it(heavy_module):
        assert heavy_module("torch") is torch
        assert total() == expected
        assert torch.nn.Linear(3, 3)(torch.ones(1, 3)).backward(torch.ones(1, 3)) is None
        print(json.dumps([torch.initial_seed(), torch.rand(1).item(), numpy.random.rand(), torch.get_num_threads()]))
"""


@pytest.mark.slow
def test_runs_compute_as_fresh_ones_do(warm: WarmSuite) -> None:
    """In threads, and in the import of a test file; seeds and the number of threads are those of a fresh process."""
    warm.suite.declare("torch", heavy_guard="error")
    warm.suite.tests(COMPUTES)
    plain, *runs = (_told(result) for result in (warm.plain("-s"), *(_run(warm) for _ in range(3))))
    assert [run[3] for run in runs] == [plain[3]] * 3
    drawn = 1 if plain[0] == 67280421310721 else 4  # a seed for each process, in newer versions
    assert [len({run[place] for run in (plain, *runs)}) for place in range(3)] == [drawn, drawn, 4]
    assert len(warm.processes()) == 1
    assert "torch 2" in warm.tell("status")[3]


@pytest.mark.slow
def test_workers_compute_as_fresh_ones_do(warm: WarmSuite) -> None:
    """With torch imported once, by the warm process."""
    warm.suite.declare("torch")
    warm.suite.tests(
        "import pytest\nimport torch\nfrom pytest_heavyimports.facts.places import INHERITED\n\n"
        "@pytest.mark.parametrize('n', range(4))\n"
        "def test_it(n):\n    assert 'torch' in INHERITED\n"
        "    assert torch.ones(600, 600).matmul(torch.ones(600, 600)).sum() == 600**3\n"
    )
    result = warm.plain("-p", "xdist", "-n", "2", "--heavy-warm")
    assert result.parseoutcomes() == {"passed": 4}
    assert result.errlines == []


def _run(warm: WarmSuite) -> pytest.RunResult:
    result = warm.run("-s")
    warm.tell("status")  # it answers when it has imported what the run has imported
    return result


def _told(result: pytest.RunResult) -> list[float]:
    assert result.ret == 0, result.outlines + result.errlines
    (line,) = [line for line in result.outlines if line.startswith("test_it.py [")]
    told: list[float] = json.loads(line.removeprefix("test_it.py ").removesuffix("."))
    return told


THREADS = """
    import pytest
    import torch

    from pytest_heavyimports.facts.places import INHERITED

    @pytest.mark.parametrize("number", range(4))
    def test_it(number, pytestconfig):
        a, b = torch.ones(200, 200), torch.ones(200, 200)
        assert (a @ b).sum().item() == 200 ** 3
        assert torch.get_num_threads() == 1
        assert ("torch" in INHERITED) == bool(pytestconfig.getoption("heavy_warm"))
    """


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--heavy-warm"]])
def test_workers_have_the_threads_that_were_asked_for(warm: WarmSuite, flags: list[str]) -> None:
    """Also where torch was imported by the warm process, which has read the variable as well. Two cores would be 2."""
    warm.suite.declare("torch", heavy_xdist_threads="1")
    warm.suite.tests(THREADS)
    result = warm.plain("-p", "xdist", "-n2", *flags)
    result.assert_outcomes(passed=4)
