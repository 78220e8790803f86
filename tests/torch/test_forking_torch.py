"""Whether a process that has used torch can be forked."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest


@pytest.mark.torch
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one CPU computes without threads")
def test_a_torch_that_has_computed(python: Callable[..., str]) -> None:
    """OpenMP's threads are named, once they wait."""
    told = python(
        """
        import time
        import torch
        from pytest_heavyimports.process.forking import threads_of_imports, why_not_fork
        print(repr(why_not_fork(threads_of_imports())))
        torch.ones(800, 800) @ torch.ones(800, 800)
        deadline = time.monotonic() + 30
        while "libgomp" not in (fault := why_not_fork(threads_of_imports())) and time.monotonic() < deadline:
            time.sleep(0.01)
        print(fault)
        """
    ).splitlines()
    threads = (os.cpu_count() or 1) - 1
    assert told[0] == "''"
    assert told[1] == f"it has {threads} thread{'s' if threads > 1 else ''} of libgomp.so.1: something has computed"
