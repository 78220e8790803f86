"""``heavy_xdist_workers`` with the real torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = pytest.mark.torch


def test_one_worker_imports_torch(suite: Suite) -> None:
    """Of three, which all run tests: ``sys.modules`` of the others has nothing of it at the end."""
    suite.declare("torch", heavy_xdist_workers="1")
    suite.tests(
        """
        import time

        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_heavy(torch, number):
            assert torch.ones(number).sum() == number

        @pytest.mark.parametrize("number", range(30))
        def test_light(number):
            time.sleep(0.1)
        """
    )
    suite.write(
        "conftest.py",
        """
        import sys
        from pathlib import Path

        HAS_RUN = []

        def pytest_runtest_logreport(report):
            HAS_RUN.append(report.nodeid)

        def pytest_sessionfinish(session):
            worker = getattr(session.config, "workerinput", {}).get("workerid")
            if worker:
                parts = [name for name in sys.modules if name.partition(".")[0] == "torch"]
                Path(worker).write_text(f"{'torch' if parts else 'nothing'}, {len(HAS_RUN) > 0}")
        """,
    )
    assert suite.run("-n", "3", "-p", "xdist").parseoutcomes()["passed"] == 36
    told = sorted(file.read_text(encoding="utf-8") for file in suite.path.glob("gw?"))
    assert told == ["nothing, True", "nothing, True", "torch, True"]
