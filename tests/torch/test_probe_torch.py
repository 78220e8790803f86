"""The real torch, seen by import_probe."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite


def _is_installed(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(not _is_installed("torch"), reason="torch is not installed"),
]


@pytest.mark.slow
def test_what_an_application_takes_of_torch(suite: Suite) -> None:
    """All of torch is in, with what it puts into ``sys.modules`` by hand, and each part has its time."""
    suite.write("app/__init__.py", "")
    suite.write("app/cli.py", "from . import model\n")
    suite.write("app/model.py", "import torch.nn\n")
    suite.tests(
        """
        import sys

        import pytest

        def test_it(import_probe):
            probe = import_probe("app.cli")
            assert probe.modules[:4] == ("app", "app.cli", "app.model", "torch")
            assert probe.chain("torch") == ("app.cli", "app.model", "torch")
            assert probe.chain("torch.nn.functional")[:3] == ("app.cli", "app.model", "torch")
            assert probe.chain("torch._C._dynamo")[:3] == ("app.cli", "app.model", "torch")
            assert probe.chain("torch.ops") == ("app.cli", "app.model", "torch", "torch.ops")
            assert 0.2 < probe.times["torch"].cumulative_s <= probe.seconds < 60
            assert probe.times["torch"].self_s < probe.times["torch"].cumulative_s / 2
            assert probe.seconds == pytest.approx(sum(t.self_s for t in probe.times.values()), rel=0.05)
            assert 100 * 2**20 < probe.peak_memory < 4000 * 2**20
            assert "torch" not in sys.modules

        def test_the_same_modules_as_here(import_probe):
            probe = import_probe("torch")
            import torch
            ours = {name for name in sys.modules if name.partition(".")[0] == "torch"}
            assert ours == {name for name in probe.modules if name.partition(".")[0] == "torch"}
        """
    )
    suite.run("-p", "no:randomly").assert_outcomes(passed=2)
