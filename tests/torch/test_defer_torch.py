"""Deferred imports of the real torch and numpy."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
]

APP = """
    import numpy as np
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    from torch import nn as also_nn
    from torch.utils import data

    def light():
        return "light"

    def heavy():
        return nn.Linear(2, 3)(torch.ones(1, 2)).shape
    """
LIGHT = """
    import sys

    import numpy as np
    import torch
    import torch as t
    import torch.nn as nn
    from torch import nn as also_nn

    import app

    def test_light():
        assert app.light() == "light"
        assert t is torch is app.torch is sys.modules["torch"]
        assert nn is also_nn is app.nn is app.also_nn
    """
HEAVY = f"""{LIGHT}
    import pickle

    import pytest
    from torch.utils.data import DataLoader

    class Net(nn.Module):
        def forward(self, x):
            return x * 2

    def test_heavy():
        assert app.heavy() == (1, 3)
        assert torch.nn is nn

    def test_what_was_defined_at_collection():
        assert isinstance(Net(), torch.nn.Module)
        assert Net()(torch.ones(2)).tolist() == [2, 2]
        assert list(DataLoader([1])) == [torch.tensor([1])]

    def test_state_is_whole(tmp_path):
        torch.save(torch.ones(2), tmp_path / "ones.pt")
        assert torch.load(tmp_path / "ones.pt").sum() == 2
        assert pickle.loads(pickle.dumps(torch.float32)) is torch.float32
        assert repr(torch.ones(1)) == "tensor([1.])"
        x = torch.ones(2, requires_grad=True)
        x.sum().backward()
        assert x.grad.tolist() == [1, 1]

    def test_numpy():
        assert torch.from_numpy(np.ones(2)).sum() == 2
        assert np.random.default_rng(0).random() == pytest.approx(0.6369616873214543)

    def test_functions():
        assert app.F.relu(torch.tensor([-1.0, 1.0])).tolist() == [0, 1]

    def test_fixture(torch):
        assert torch is sys.modules["torch"] is t
    """


@pytest.fixture(autouse=True)
def app(suite: Suite) -> None:
    """Code under test that has torch and numpy at its top."""
    suite.declare("torch", "np = numpy", heavy_defer="true", pythonpath=".")
    suite.write("app.py", APP)


@pytest.mark.parametrize(
    "arguments", [[], ["--doctest-modules"], ["-p", "pytest_cov", "--cov=app"], ["-n1", "-p", "xdist"]]
)
def test_light_tests_never_load_it(suite: Suite, arguments: list[str]) -> None:
    """Neither torch nor numpy is executed, whatever else looks at the files."""
    suite.tests(
        f"""{LIGHT}
    def test_nothing_was_loaded():
        assert type(torch).__name__ == type(np).__name__ == "DeferredModule"
        assert "torch._C" not in sys.modules
    """
    )
    suite.run(*arguments).assert_outcomes(passed=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--heavy-guard=restore"],
        ["--heavy-guard=error"],
        ["--heavy-gc=freeze", "--import-mode=importlib"],
        ["-p", "pytest_cov", "--cov=app"],
        ["-n2", "-p", "xdist"],
        ["reversed"],
    ],
)
def test_a_suite_passes_unchanged(suite: Suite, arguments: list[str]) -> None:
    """All forms of import, some that can't be deferred too, in any order, guarded and not, on xdist, with coverage."""
    suite.tests(HEAVY)
    if arguments == ["reversed"]:
        suite.write("conftest.py", "def pytest_collection_modifyitems(items):\n    items.reverse()\n")
        arguments = []
    suite.run(*arguments).assert_outcomes(passed=7)
