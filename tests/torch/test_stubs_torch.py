"""Stand-ins of torch: the worker's suite without torch, and tests of both kinds in one run."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite

EXAMPLE = Path(__file__).parents[2] / "examples" / "worker_pipeline"
HAS_REDIS = all(importlib.util.find_spec(name) for name in ("redis", "fakeredis"))
NO_TORCH = """
import functools
import importlib.machinery as machinery

find_spec = machinery.PathFinder.find_spec


def find_no_torch(fullname, path=None, target=None):
    return None if fullname.partition(".")[0] == "torch" else find_spec(fullname, path, target)


machinery.PathFinder.find_spec = functools.partial(find_no_torch)  # pytest makes a method of a function
"""


def _run_example(*args: str, path: Path | None = None) -> str:
    entries = [str(path) if path else "", os.environ.get("PYTHONPATH", "")]
    child = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-p", "pytest_heavyimports.plugin", *args],
        cwd=EXAMPLE,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, entries)),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    return child.stdout + child.stderr


@pytest.mark.skipif(not HAS_REDIS, reason="not installed: redis, fakeredis")
@pytest.mark.parametrize("mode", ["off", "restore", "error"])
@pytest.mark.parametrize("is_installed", [False, True])
def test_worker_pipeline_with_a_stand_in(tmp_path: Path, is_installed: bool, mode: str) -> None:
    """The tests that look at Redis alone pass; those that compute are skipped, and say why."""
    if not is_installed:
        (tmp_path / "sitecustomize.py").write_text(NO_TORCH, encoding="utf-8")
        assert "17 errors" in _run_example(f"--heavy-guard={mode}", path=tmp_path)
    output = _run_example("--heavy-stub=torch", f"--heavy-guard={mode}", path=tmp_path)
    assert "9 passed, 8 skipped" in output
    reasons = re.findall(r"^SKIPPED \[(\d)\] \S+: (.*)$", output, flags=re.MULTILINE)
    computing = (
        "len() was asked of torch.tensor(...), and there is no answer: 'torch' is a stand-in. "
        "(--heavy-stub=torch; asked at src/worker/pipeline.py:129)"
    )
    needing = "needs the real 'torch', and this run has a stand-in (--heavy-stub=torch)"
    assert reasons == [("4", computing), ("1", computing), ("1", computing), ("1", computing), ("1", needing)]


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="not installed: torch")
@pytest.mark.parametrize("mode", ["off", "restore", "error"])
def test_torch_and_a_stand_in_of_it_in_one_run(suite: Suite, mode: str) -> None:
    """Between tests with the stand-in torch computes, pickles and compiles as before."""
    suite.declare("torch")
    suite.write(
        "model.py",
        """
        import torch
        from torch import nn


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(2, 1)

            @torch.no_grad()
            def forward(self, x: torch.Tensor, dtype=torch.float32) -> torch.Tensor | None:
                return self.layer(x.to(dtype))


        def load(path):
            net = Net()
            net.load_state_dict(torch.load(path))
            net.eval()
            return net
        """,
    )
    stubbed = """
        @pytest.mark.heavy_stub("torch")
        def test_stubbed_{0}():
            loaded = load("x")
            torch.load.assert_called_once_with("x")
            loaded.load_state_dict.assert_called_once_with(torch.load.return_value)
            with pytest.raises(AttributeError, match="Did you mean 'Linear'"):
                torch.nn.Liner
            with pytest.raises(TypeError, match="missing a required argument: 'out_features'"):
                torch.nn.Linear(3)
            assert isinstance(torch.nn, type(sys))

        def test_real_{0}(torch, tmp_path):
            assert sys.modules["torch"] is torch is REAL[0]
            net = Net()
            torch.save(net.state_dict(), tmp_path / "x")
            assert load(tmp_path / "x")(torch.ones(1, 2)).shape == (1, 1)
            assert type(pickle.loads(pickle.dumps(net))) is Net is REAL[1]
            assert torch.fft.fft(torch.ones(4)).real.sum() == 4
        """
    head = """
        import pickle
        import sys

        import pytest
        import torch

        from model import Net, load

        REAL = [torch, Net]
        """
    suite.tests(head + stubbed.format(0) + stubbed.format(1))
    suite.run(f"--heavy-guard={mode}", "-W", "error").assert_outcomes(passed=4)
