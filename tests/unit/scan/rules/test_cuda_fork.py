"""Forks where CUDA is in use."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.rules.cuda_fork import RULE

from ..checks import check_found, check_noop

CUDA = "import torch, os, multiprocessing\nDEVICE = torch.device('cuda:0')\n"


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nos.fork()  # cuda",
        f"{CUDA}multiprocessing.get_context('spawn')  # no fork",
        f"{CUDA}multiprocessing.get_context('forkserver')  # its server has no CUDA",
        "os.fork(); 'cuda'",
    ],
    ids=["no CUDA", "spawn", "forkserver", "nothing heavy"],
)
def test_no_fork_or_no_cuda_is_none(text: str) -> None:
    """Both are needed, and something heavy."""
    check_noop(RULE.name, text)


@pytest.mark.parametrize(
    "call", ["os.fork()", "multiprocessing.get_context('fork')", "mp.set_start_method(method='fork')"]
)
def test_each_way_to_fork_is_found(call: str) -> None:
    """At the call."""
    check_found(RULE.name, f"{CUDA}{call}\n", {3: "a process is forked in a file that uses CUDA"})
