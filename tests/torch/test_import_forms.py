"""A suite with every form of import there is, which passes with ``--heavy-defer`` as it does without."""

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

APP = {
    "app/__init__.py": "",
    "app/model.py": """
        \"\"\"
        >>> add(1, 2)
        3
        \"\"\"

        from __future__ import annotations

        import dataclasses
        import importlib
        from typing import TYPE_CHECKING, Optional

        import numpy as np
        import torch
        import torch.nn as nn
        import torch.nn.functional as F
        from torch import nn as also_nn
        from torch.utils import data

        from . import helper
        from .helper import optimizer

        if TYPE_CHECKING:
            from torch import Tensor

        try:
            import torch.cuda as cuda
        except ImportError:
            cuda = None

        try:
            import absent_from_torch as absent
        except ImportError:
            absent = None

        fft = importlib.import_module("torch.fft")

        @dataclasses.dataclass
        class Config:
            size: int = 3
            weights: Optional[torch.Tensor] = None

        def add(a, b):
            return a + b

        def forward(x: Tensor) -> Tensor:
            return F.relu(nn.Linear(2, 2)(x))

        def has_gpu():
            return torch.cuda.is_available()
        """,
    "app/helper.py": """
        import numpy
        from torch import optim

        def optimizer():
            return optim.SGD
        """,
}
TESTS = """
    import copy
    import importlib
    import inspect
    import multiprocessing
    import pickle
    import sys
    import threading
    import types
    import typing
    import unittest
    from unittest import mock

    import numpy as np
    import pytest
    import torch
    import torch as t
    import torch.nn.functional

    import app.model as model
    from app import helper

    class TestByUnittest(unittest.TestCase):
        def test_light(self):
            self.assertEqual(model.add(1, 2), 3)

        @mock.patch("torch.nn.Linear")
        def test_patched_by_name(self, linear):
            linear.return_value.side_effect = lambda x: x
            assert model.forward(torch.ones(1, 2)).tolist() == [[1, 1]]

        @mock.patch.object(torch.cuda, "is_available", return_value=True)
        def test_patched_object(self, _):
            assert model.has_gpu()

    def test_light():
        assert model.add(1, 2) == 3

    def test_dataclass():
        assert model.Config().size == 3
        assert typing.get_type_hints(model.Config)["weights"] == typing.Optional[torch.Tensor]

    def test_tried():
        assert model.absent is None
        assert model.cuda is torch.cuda

    def test_import_module():
        assert importlib.import_module("torch.nn") is model.nn is model.also_nn is torch.nn
        assert model.fft is torch.fft

    def test_importorskip():
        assert pytest.importorskip("torch", minversion="2.0") is torch is t

    def test_names():
        assert hasattr(torch, "Tensor") and not hasattr(torch, "Tensr")
        assert "Tensor" in vars(torch) and "Tensor" in dir(torch)
        assert isinstance(torch, types.ModuleType)
        assert torch.__config__.show()

    def test_entries():
        assert sys.modules["torch"] is torch
        assert sys.modules["torch.nn"].Linear is torch.nn.Linear

    def test_monkeypatch(monkeypatch):
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.delattr(torch, "ones")
        assert model.has_gpu() and not hasattr(torch, "ones")

    def test_pickles():
        assert pickle.loads(pickle.dumps(torch.float32)) is torch.float32
        assert pickle.loads(pickle.dumps(model.forward)) is model.forward
        with pytest.raises(TypeError):
            copy.deepcopy({"module": torch})

    def shape(queue):
        queue.put(tuple(model.forward(torch.ones(1, 2)).shape))

    def test_child():
        context = multiprocessing.get_context("spawn")
        queue = context.Queue()
        child = context.Process(target=shape, args=(queue,))
        child.start()
        assert queue.get(timeout=60) == (1, 2)
        child.join()

    def test_threads():
        sums = []
        threads = [threading.Thread(target=lambda: sums.append(torch.ones(2).sum().item())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sums == [2] * 4

    def test_in_a_function():
        import torch.utils.data as data
        from torch import Tensor, nn

        assert data is model.data and nn is torch.nn and Tensor is torch.Tensor

    def test_star():
        names = {}
        exec("from torch.nn import *", names)
        assert names["Linear"] is torch.nn.Linear

    def test_own_reload():
        importlib.reload(helper)
        assert helper.optimizer() is torch.optim.SGD is model.optimizer()

    def test_inspect():
        assert inspect.getmodule(torch) is torch
        assert ("Tensor", torch.Tensor) in inspect.getmembers(torch)
        assert "def relu" in inspect.getsource(torch.nn.functional.relu)

    def test_fake():
        with mock.patch.dict(sys.modules, {"torch": mock.MagicMock()}):
            import torch as fake
        assert fake is not torch

    def test_blocked():
        with mock.patch.dict(sys.modules, {"torch": None}), pytest.raises(ImportError):
            import torch.nn

    def test_numpy():
        np.testing.assert_allclose(np.ones(2), torch.ones(2).numpy())
        assert np.float64(3) == pytest.approx(3)

    def test_fixture(request):
        assert request.getfixturevalue("np") is np
    """
SHUFFLE = """
    import os
    import random
    import sys

    def pytest_collection_modifyitems(config, items):
        assert ("torch._C" in sys.modules) != bool(config.option.heavy_defer)
        random.Random(os.environ["ORDER"]).shuffle(items)
    """


@pytest.fixture
def forms(suite: Suite) -> Suite:
    """The suite, its tests in the order that ``ORDER`` gives; no torch is there when they begin, if it is deferred."""
    suite.declare("torch", "np = numpy", pythonpath=".")
    for file, text in APP.items():
        suite.write(file, text)
    suite.write("conftest.py", SHUFFLE)
    suite.tests(TESTS)
    return suite


def _passes(suite: Suite, order: int, *arguments: str) -> None:
    suite.run("--doctest-modules", *arguments, ORDER=str(order)).assert_outcomes(passed=23)


@pytest.mark.slow
def test_as_it_is(forms: Suite) -> None:
    """Without the flag, so that what follows has something to be compared with."""
    _passes(forms, 0)


@pytest.mark.parametrize(
    "guard", [*(pytest.param(mode, marks=pytest.mark.slow) for mode in ("off", "restore")), "error"]
)
def test_deferred(forms: Suite, guard: str) -> None:
    """With the guard in each mode."""
    _passes(forms, 1, "--heavy-defer", f"--heavy-guard={guard}")


@pytest.mark.slow
def test_deferred_on_a_worker_and_with_coverage(forms: Suite) -> None:
    """Both at once."""
    _passes(forms, 2, "--heavy-defer", "-n", "1", "-p", "xdist", "-p", "pytest_cov", "--cov=app")


@pytest.mark.slow
@pytest.mark.parametrize("order", range(3, 13))
@pytest.mark.parametrize("guard", ["off", "restore", "error"])
def test_deferred_in_any_order(forms: Suite, guard: str, order: int) -> None:
    """Whichever test is the first to use torch or numpy."""
    _passes(forms, order, "--heavy-defer", f"--heavy-guard={guard}")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("-n", "2", "-p", "xdist"), ("-p", "pytest_cov", "--cov=app")])
@pytest.mark.parametrize("guard", ["off", "restore", "error"])
def test_deferred_in_any_order_with_other_plugins(forms: Suite, guard: str, arguments: tuple[str, ...]) -> None:
    """On workers of pytest-xdist, which each begin somewhere else, and with coverage."""
    for order in range(13, 16):
        _passes(forms, order, "--heavy-defer", f"--heavy-guard={guard}", *arguments)
