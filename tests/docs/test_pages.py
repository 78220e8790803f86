"""Every block of the pages: run, or with a reason not to be."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .pages import WALKED, Walk, fault_of, walks
from .walking import Walker

if TYPE_CHECKING:
    from pytest_heavyimports.pytester.forked import ForkedRuns

NOT_RUN = {
    "CONTRIBUTING.md": ["this project's own tests"] * 2,
    "README.md": ["docs/guide/doctor.md runs it", "this project's own tests"],
    "docs/guide/cuda.md": [
        "reasons of machines with GPUs, which tests/unit/cuda/test_session.py asserts with simulated ones",
        "needs a GPU; tests/plugin/test_heavy_cuda_leak.py asserts this text with a simulated one",
    ],
    "docs/guide/declaring.md": ["a grammar", "the configuration of a distribution, not of pytest"],
    "docs/guide/light-tests.md": ["needs Python 3.15"],
    "docs/guide/report.md": ["needs a package for a device, as in tests/torch/test_report_torch.py"],
    "docs/questions/a-test-leaves-a-magicmock-torch.md": ["a part of the file below"],
    "docs/questions/already-has-a-docstring.md": [
        "messages, of torch and of NumPy",
        "it comes to one or the other",
    ],
    "docs/tutorial.md": ["a message of torch"],
}
"""By page: why blocks are not run."""

WALKS = [walk for page in WALKED for walk in walks(page)]


def _parameters() -> list[object]:
    return [
        pytest.param(walk, id=walk.name, marks=[getattr(pytest.mark, mark) for mark in walk.marks]) for walk in WALKS
    ]


@pytest.mark.slow
@pytest.mark.parametrize("walk", _parameters())
def test_what_a_page_says_is_so(
    walk: Walk, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, runs: ForkedRuns
) -> None:
    """Its files, commands, their output and its configurations, from its first block to its last."""
    if "torch" in walk.marks and find_spec("torch") is None:
        pytest.skip("not installed: torch")
    folder = tmp_path / "project"
    folder.mkdir()
    walker = Walker(walk, folder, tmp_path_factory.mktemp("home"), runs)
    try:
        for block in walk.blocks:
            try:
                walker.do(block)
            except AssertionError as error:
                raise AssertionError(f"{walk.page.name}, line {block.line}: {error}") from None
    finally:
        walker.end()


def test_each_block_says_what_becomes_of_it() -> None:
    """A block that is neither run nor compared gives its reason."""
    faults = [
        f"{walk.page}:{block.line}: {fault}" for walk in WALKS for block in walk.blocks if (fault := fault_of(block))
    ]
    assert faults == []


def test_what_is_not_run() -> None:
    """All that isn't, in one place."""
    found: dict[str, list[str]] = {}
    for walk in WALKS:
        for block in walk.blocks:
            if block.what == "not run":
                found.setdefault(walk.name.rpartition("-")[0], []).append(block.value)
    assert found == NOT_RUN


def test_no_file_is_written_in_vain() -> None:
    """After the last file of a walk there is a command, which can tell whether it is any good."""
    for walk in WALKS:
        kinds = [block.what or block.language for block in walk.blocks]
        if "file" in kinds:
            assert "console" in kinds[len(kinds) - kinds[::-1].index("file") :], (
                f"{walk.name}: nothing runs its last file"
            )
