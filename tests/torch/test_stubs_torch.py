"""Stand-ins of torch: the worker's suite without torch, and tests of both kinds in one run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ..support.examples import needs_redis, needs_torch
from ..support.simulated import NO_TORCH

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.examples import Examples
    from ..support.suite import Suite


@needs_redis
@pytest.mark.parametrize("mode", ["off", "restore", "error"])
@pytest.mark.parametrize("is_installed", [False, True])
def test_worker_pipeline_with_a_stand_in(examples: Examples, tmp_path: Path, is_installed: bool, mode: str) -> None:
    """The tests that look at Redis alone pass; those that compute are skipped, and say why."""
    arguments = ["-rs", f"--heavy-guard={mode}"]
    if not is_installed:
        (tmp_path / "no_torch.py").write_text(NO_TORCH, encoding="utf-8")
        arguments += ["-p", "no_torch"]
        assert "17 errors" in examples.run("worker_pipeline", *arguments, path=tmp_path)
    output = examples.run("worker_pipeline", "--heavy-stub=torch", *arguments, path=tmp_path)
    assert "9 passed, 8 skipped" in output
    reasons = re.findall(r"^SKIPPED \[(\d)\] \S+: (.*)$", output, flags=re.MULTILINE)
    computing = (
        "len() was asked of torch.tensor(...), and there is no answer: 'torch' is a stand-in. "
        "(--heavy-stub=torch; asked at src/worker/pipeline.py:129)"
    )
    needing = "needs the real 'torch', and this run has a stand-in (--heavy-stub=torch)"
    assert reasons == [("4", computing), ("1", computing), ("1", computing), ("1", computing), ("1", needing)]


@pytest.mark.torch
@needs_torch
@pytest.mark.parametrize("mode", ["off", "restore", "error"])
def test_torch_and_a_stand_in_of_it_in_one_run(torch_suite: Suite, mode: str) -> None:
    """Between tests with the stand-in torch computes, pickles and compiles as before."""
    torch_suite.declare("torch")
    torch_suite.write(
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
    torch_suite.tests(head + stubbed.format(0) + stubbed.format(1))
    torch_suite.run(f"--heavy-guard={mode}", "-W", "error").assert_outcomes(passed=4)
