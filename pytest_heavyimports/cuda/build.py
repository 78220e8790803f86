"""How the installed torch was built, read without importing it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import NamedTuple

from ..facts.distributions import locate


class Build(NamedTuple):
    """A build of torch."""

    version: str
    cuda: str | None = None
    """The version of CUDA that it is built for, such as ``"12.8"``."""
    hip: str | None = None
    """The same of ROCm, where CUDA means AMD's devices."""

    @property
    def is_for_cuda(self) -> bool:
        """Whether it can use a CUDA device at all."""
        return bool(self.cuda or self.hip)


def torch_build() -> Build | None:
    """The build that an import of torch would give; ``None`` where there is none, or it doesn't tell."""
    spec = locate("torch")
    file = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    if file is None or not file.is_file():
        return None
    said = runpy.run_path(str(file))
    return Build(str(said.get("__version__", "")), said.get("cuda"), said.get("hip"))
