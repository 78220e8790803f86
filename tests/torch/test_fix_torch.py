"""The worker pipeline's tests in the old style, fixed by one command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..support.commands import run_command
from ..support.examples import EXAMPLES, copy_example, needs_redis, needs_torch

pytestmark = [pytest.mark.torch, needs_torch, needs_redis]

FILE = "tests/worker/test_pipeline_helpers.py"


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    """The worker pipeline, with the tests that import what they need themselves."""
    copy_example("worker_pipeline", tmp_path / "suite")
    shutil.copy(EXAMPLES / "broken_suite" / FILE, tmp_path / "suite" / FILE)
    return tmp_path / "suite"


@pytest.mark.slow
@pytest.mark.parametrize("target", ["module", "fixture"])
def test_one_command_fixes_all_of_them(pipeline: Path, target: str) -> None:
    """No import is left in a function, all 17 pass, and a second run finds nothing."""
    assert run_command(pipeline, "fix", f"--to={target}", "--write").status == 1
    text = (pipeline / FILE).read_text(encoding="utf-8")
    assert "    from src.worker" not in text
    assert "    import torch" not in text
    assert ("\nimport torch\n" in text) == (target == "module")
    assert run_command(pipeline, "fix", f"--to={target}") == (0, [], [])
    assert run_command(pipeline, "scan").status == 0
    child = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=pipeline,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert "17 passed" in child.stdout, child.stdout
