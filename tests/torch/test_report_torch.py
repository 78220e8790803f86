"""The report of runs that import the real torch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ..support.installed import Installed
from ..support.suite import section

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.suite import Suite

pytestmark = pytest.mark.torch

MEASURED = """
import json, sys
from pytest_heavyimports.imports.measuring import install_measuring
from pytest_heavyimports.imports.measuring import Measurer
from pytest_heavyimports.facts.measure import Clock
from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.report.model import make_tree

measurer = Measurer(Clock(), lambda: Place("start"))
with install_measuring(measurer):
    import torch
tree = make_tree(measurer.take(is_last=True))
print(json.dumps({node.load.fullname: node.cumulative_us for node in tree}))
"""
BIGGEST = 20


def test_times_agree_with_importtime() -> None:
    """Of one and the same import: the twenty modules that took longest, with what they import, within 10 %."""
    command = [sys.executable, "-X", "importtime", "-c", MEASURED]
    child = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    ours: dict[str, int] = json.loads(child.stdout)
    theirs = _executions(child.stderr)
    biggest = sorted(theirs.keys() & ours.keys(), key=lambda name: -theirs[name])[:BIGGEST]
    assert biggest[0] == "torch"
    for name in biggest:
        assert ours[name] == pytest.approx(theirs[name], rel=0.1), name


def _executions(text: str) -> dict[str, int]:
    """
    The cumulative microseconds of each module, without those of packages that it lies in.

    ``-X importtime`` times statements: one that imports ``torch.nn.functional`` first imports ``torch.nn``, which may
    import the other one itself, so that there are two lines on it.
    """
    times: dict[str, int] = {}
    above: list[tuple[str, int]] = []
    entries: list[int] = []
    names: list[str] = []
    for cumulative, indent, name in reversed(
        re.findall(r"^import time: +\d+ \| +(\d+) \| ( *)(\S+)$", text, re.MULTILINE)
    ):
        del above[len(indent) // 2 :]
        if above and above[-1][0].startswith(f"{name}."):
            entries[above[-1][1]] -= int(cumulative)
        above.append((name, len(entries)))
        entries.append(int(cumulative))
        names.append(name)
    for name, entry in zip(names, entries):
        times[name] = max(entry, times.get(name, 0))
    return times


def test_the_report_of_torch(suite: Suite) -> None:
    """Its parts, its version, its memory, and numpy with it."""
    suite.declare("torch")
    suite.tests("def test_one(torch): pass\n")
    result = suite.run("--heavy-report=x.json")
    assert result.ret == 0
    facts = json.loads((suite.path / "x.json").read_text(encoding="utf-8"))
    modules = {module["fullname"]: module for module in facts["modules"]}
    assert modules["torch"]["version"].startswith("2.")
    assert modules["torch"]["rss_bytes"] > 50 * 2**20
    assert modules["numpy"]["within"] == "torch"
    assert len(facts["tree"]) > 500


@pytest.mark.parametrize("how", [(), ("--heavy-guard=error",), ("--heavy-report=x.json",)])
def test_a_package_for_a_device(suite: Suite, tmp_path: Path, how: tuple[str, ...]) -> None:
    """torch loads and calls it unasked: it is named with what that took, and not where it is switched off."""
    installed = Installed(tmp_path / "base")
    installed.add(
        "torch-npu",
        "1.2",
        {"torch_npu.py": "import time\n\ndef start(): time.sleep(0.4)\n"},
        "[torch.backends]\nnpu = torch_npu:start\n",
    )
    suite.declare("torch")
    suite.tests("def test_one(torch): assert torch.ones(3).sum() == 3\n")
    told = r"torch has loaded the backend npu of torch-npu 1\.2 unasked: (.+) s, .+ MiB, with torch_npu"
    for environment, times in (({}, 1), ({"TORCH_DEVICE_BACKEND_AUTOLOAD": "0"}, 0)):
        result = suite.run(*how, path=(installed.site,), **installed.environment, **environment)
        result.assert_outcomes(passed=1)
        seconds = [float(found[1]) for found in map(re.compile(told).fullmatch, section(result)) if found]
        assert [each >= 0.4 for each in seconds] == [True] * times
