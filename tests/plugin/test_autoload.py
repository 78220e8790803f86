"""Packages for devices, which torch imports unasked: the report names them, and what they cost."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from ..support.installed import Installed
from ..support.suite import section

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.suite import Suite

# What the real one does at the end of its import; tests/torch has the real one.
TORCH = """
    import os
    from importlib.metadata import entry_points

    if os.environ.get("TORCH_DEVICE_BACKEND_AUTOLOAD", "1") == "1":
        for each in entry_points(group="torch.backends"):
            try:
                each.load()()
            except Exception as error:
                raise RuntimeError(f"Failed to load the backend extension: {each.name}") from error
    """
BACKEND = """
    import time

    def start():
        import torch_runtime, colorsys

        time.sleep(0.3)
    """
TESTS = {
    "by fixture": "def test_one(torch): pass\n",
    "by statement": "import torch\n\ndef test_one(): pass\n",
    "by another": "import app\n\ndef test_one(): pass\n",
}

Run = "Callable[..., pytest.RunResult]"


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    """A place of each test's own: a torch would be seen by all others."""
    return Installed(tmp_path / "base")


@pytest.fixture
def run(suite: Suite, installed: Installed) -> Run:
    """Runs a suite beside a torch, and a package that it loads."""
    installed.add("torch", "9.0", {"torch/__init__.py": TORCH})
    installed.add(
        "torch-npu",
        "1.2",
        {"torch_npu.py": BACKEND, "torch_runtime.py": ""},
        "[torch.backends]\nnpu = torch_npu:start\n",
    )
    suite.declare("torch")
    suite.write("app.py", "import torch\n")

    def run(*args: str, **environment: str) -> pytest.RunResult:
        return suite.run(*args, path=(installed.site,), **installed.environment, **environment)

    return run


@pytest.mark.parametrize(
    ("tests", "args"),
    [
        ("by fixture", ()),
        ("by fixture", ("--heavy-defer",)),
        ("by fixture", ("-q",)),
        ("by statement", ("--heavy-guard=error",)),
        ("by statement", ("--heavy-report=x.json",)),
        ("by another", ("--heavy-guard=error", "-v")),
        ("by another", ("--heavy-preload",)),
    ],
)
def test_it_is_named_with_what_it_cost(suite: Suite, run: Run, tests: str, args: tuple[str, ...]) -> None:
    """However torch is imported, wherever that is measured: once, with its import and its call."""
    suite.tests(TESTS[tests])
    lines = section(run(*args))
    [at] = [number for number, line in enumerate(lines) if "unasked" in line]
    told, way_out = lines[at : at + 2]
    found = re.fullmatch(
        r"torch has loaded the backend npu of torch-npu 1\.2 unasked: (.+) s, .+ MiB, with torch_npu, torch_runtime",
        told,
    )
    assert found
    assert float(found[1]) >= 0.3
    assert way_out == "    With TORCH_DEVICE_BACKEND_AUTOLOAD=0 it does not."


def test_where_it_is_off(suite: Suite, run: Run) -> None:
    """Nothing has come in, and nothing is told."""
    suite.tests(TESTS["by fixture"])
    assert "unasked" not in "\n".join(section(run(TORCH_DEVICE_BACKEND_AUTOLOAD="0")))


def test_each_worker_tells_it(suite: Suite, run: Run) -> None:
    """Under pytest-xdist it is in each that has imported torch."""
    suite.tests('import pytest\n\n@pytest.mark.parametrize("number", [1, 2])\ndef test_one(torch, number): pass\n')
    lines = [line for line in section(run("-p", "xdist", "-n", "2")) if "unasked" in line]
    assert sorted(line.split()[0] for line in lines) == ["gw0:", "gw1:"]


def test_a_file_has_it(suite: Suite, run: Run) -> None:
    """As an event, with its seconds."""
    suite.tests(TESTS["by fixture"])
    run("--heavy-report=x.json")
    facts = json.loads((suite.path / "x.json").read_text(encoding="utf-8"))
    [event] = [each for each in facts["processes"][0]["events"] if each["event"] == "autoloaded"]
    assert (event["name"], event["distribution"], event["packages"]) == (
        "npu",
        "torch-npu 1.2",
        ["torch_npu", "torch_runtime"],
    )
    assert 0.3 <= event["duration_s"] <= facts["duration_us"] / 1e6


def test_one_that_fails(suite: Suite, installed: Installed, run: Run) -> None:
    """The error is torch's own, with the cause, and no line of ours in what is shown of it."""
    files = {"torch_bad.py": "def start(): 1 / 0\n"}
    installed.add("torch-bad", "1.0", files, "[torch.backends]\nbad = torch_bad:start\n")
    suite.tests(TESTS["by fixture"])
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ZeroDivisionError*", "*RuntimeError: Failed to load the backend extension: bad*"])
    result.stdout.no_fnmatch_line("*return start()*")


def test_entry_points_are_as_before(suite: Suite, run: Run) -> None:
    """After the import nothing of ours stands there; within it others get what they ask for."""
    suite.tests(
        """
        import importlib.metadata

        BEFORE = importlib.metadata.entry_points

        def test_one(torch):
            assert importlib.metadata.entry_points is BEFORE
            [found] = importlib.metadata.entry_points(group="torch.backends")
            assert type(found) is importlib.metadata.EntryPoint
        """
    )
    run("--heavy-guard=error").assert_outcomes(passed=1)
