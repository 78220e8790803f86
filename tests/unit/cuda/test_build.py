"""How torch was built, read from its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ...support.simulated import cuda_torch

ASK = """
import sys
from pytest_heavyimports.cuda.build import torch_build

print(torch_build())
print("torch" in sys.modules)
"""


@pytest.mark.parametrize(("cuda", "is_for_cuda"), [("13.0", True), (None, False)])
def test_its_version_file_is_read(
    fresh: Callable[..., str], tmp_path: Path, cuda: str | None, is_for_cuda: bool
) -> None:
    """And torch is not imported."""
    cuda_torch(tmp_path, cuda=cuda)
    assert fresh(ASK, path=(tmp_path,)).splitlines() == [f"Build(version='2.13.0', cuda={cuda!r}, hip=None)", "False"]
    code = "from pytest_heavyimports.cuda.build import torch_build\nprint(torch_build().is_for_cuda)"
    assert fresh(code, path=(tmp_path,)).strip() == str(is_for_cuda)


def test_a_torch_that_does_not_tell(fresh: Callable[..., str], tmp_path: Path) -> None:
    """A fake, or none at all."""
    (tmp_path / "torch.py").write_text("raise AssertionError('imported')\n", encoding="utf-8")
    assert fresh(ASK, path=(tmp_path,)).splitlines() == ["None", "False"]
