"""The suites that the tools are given: 17 real tests, and traps, of which the right outcome is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..environments import ROOT

EXAMPLES = ROOT / "examples"
HELPERS = "test_pipeline_helpers.py"
MARK = "MARK"
"""What stands in a test's file for the mark of the tool."""


@dataclass(frozen=True)
class Step:
    """One run of a trap, and what must come of it."""

    right: Mapping[str, str]
    """The outcome of each test, by the name of its function: ``passed``, ``failed``."""
    what: str = ""
    """What is done before, in words."""
    edits: Mapping[str, str] = field(default_factory=dict)
    """What is written before, by file."""
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    is_whole: bool = True
    """Whether other tests than those of *right* are wrong."""


@dataclass(frozen=True)
class Trap:
    """A small suite that goes wrong with some tools."""

    name: str
    told: str
    """What it is, and what is right, in words."""
    files: Mapping[str, str]
    steps: tuple[Step, ...]
    limit_s: float = 60.0
    """For a run, which takes some seconds by itself."""

    @property
    def is_marked(self) -> bool:
        """Whether some tests have the mark, and only they are to be isolated."""
        return any(MARK in text for text in self.files.values())


def _files(*folders: str) -> Iterator[tuple[str, str]]:
    """Files of the examples, by their place in a suite."""
    for folder in folders:
        for file in (EXAMPLES / folder).rglob("*.py"):
            yield file.relative_to(EXAMPLES / folder).as_posix(), file.read_text(encoding="utf-8")


SOURCE = {f"src/{name}": text for name, text in _files("worker_pipeline/src")} | {
    "tests/conftest.py": (EXAMPLES / "broken_suite" / "conftest.py").read_text(encoding="utf-8"),
}
AT_THE_TOP = SOURCE | {f"tests/worker/{name}": text for name, text in _files("five_ways/tests/module_level")}
INSIDE = SOURCE | {f"tests/worker/{name}": text for name, text in _files("broken_suite/tests/worker")}
SUITES = {"imports at the top": AT_THE_TOP, "imports inside tests": INSIDE}
INNOCENT = dict.fromkeys(re.findall(r"^def (test_\w+)", INSIDE[f"tests/worker/{HELPERS}"], re.MULTILINE), "passed")

COMPUTES = "assert (torch.ones(800, 800) @ torch.ones(800, 800)).sum() > 0"
COMPUTED = f"""
import pytest
import torch


def test_here():
    {COMPUTES}


@pytest.mark.MARK
def test_isolated():
    {COMPUTES}
"""
AT_IMPORT = f"""
import torch

SUM = (torch.ones(800, 800) @ torch.ones(800, 800)).sum()


def test_one():
    {COMPUTES}


def test_two():
    {COMPUTES}
"""
CRASH = """
import ctypes


def test_before(): ...


def test_crash():
    ctypes.string_at(0)


def test_after(): ...
"""
LEAK = """
import os

import torch


def test_leaves():
    torch.set_default_dtype(torch.float64)
    os.environ["APP_LEFT"] = "1"


def test_next():
    assert torch.get_default_dtype() is torch.float32
    assert "APP_LEFT" not in os.environ
"""
NEXT_RUN = """
import os

import torch


def test_begins_clean_and_leaves():
    assert torch.get_default_dtype() is torch.float32
    assert "APP_LEFT" not in os.environ
    torch.set_default_dtype(torch.float64)
    os.environ["APP_LEFT"] = "1"
"""
THREE = "def test_one(): ...\n\n\ndef test_two(): ...\n\n\ndef test_three(): ...\n"
EDITED = {
    "src/__init__.py": "",
    "src/app.py": 'import os\n\nMODE = os.environ.get("APP_MODE", "plain")\n\n\ndef value():\n    return 1\n',
    "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef number():\n    return 1\n",
    "tests/test_app.py": "from src import app\n\n\ndef test_code():\n    assert app.value() == 1\n\n\n"
    'def test_conftest(number):\n    assert number == 1\n\n\ndef test_mode():\n    assert app.MODE == "plain"\n',
}
GREEN = {"test_code": "passed", "test_conftest": "passed", "test_mode": "passed"}
TWICE = (Step(GREEN), Step(GREEN, "a second time"))


def _edited(name: str, told: str, step: Step) -> Trap:
    return Trap(name, told, EDITED, (*TWICE, step))


TRAPS = (
    Trap(
        "computed",
        "A test multiplies two matrices of 800 rows in the process itself, then one that is marked as isolated does. "
        "Both pass.",
        {"tests/test_computed.py": COMPUTED},
        (Step({"test_here": "passed", "test_isolated": "passed"}),),
    ),
    Trap(
        "at import",
        "A file multiplies such matrices when it is imported, and so do its two tests. Both pass.",
        {"tests/test_at_import.py": AT_IMPORT},
        (Step({"test_one": "passed", "test_two": "passed"}),),
    ),
    Trap(
        "habits",
        "The 17 tests after one that reloads `torch.overrides` and one that throws torch out of `sys.modules`. The 17 "
        "pass, whatever the two come to.",
        INSIDE | {name: text for name, text in _files("broken_suite") if name.count("/") == 1},
        (Step(INNOCENT, is_whole=False),),
        limit_s=300.0,
    ),
    Trap(
        "crash",
        "SIGSEGV in the second of three tests. It has failed, and the others have passed.",
        {"tests/test_crash.py": CRASH},
        (Step({"test_before": "passed", "test_crash": "failed", "test_after": "passed"}),),
    ),
    Trap(
        "leak",
        "A test calls `torch.set_default_dtype` and leaves an entry in `os.environ`. The next one sees neither.",
        {"tests/test_leak.py": LEAK},
        (Step({"test_leaves": "passed", "test_next": "passed"}),),
    ),
    Trap(
        "next run",
        "The same, and it is the next run that must see neither.",
        {"tests/test_next_run.py": NEXT_RUN},
        (
            Step({"test_begins_clean_and_leaves": "passed"}),
            Step({"test_begins_clean_and_leaves": "passed"}, "a second run"),
        ),
    ),
    Trap(
        "selection",
        "A run with `-k`, a whole one, one with `-k` again. Each has the tests that were asked for.",
        {"tests/test_three.py": THREE},
        (
            Step({"test_two": "passed"}, arguments=("-k", "two")),
            Step({"test_one": "passed", "test_two": "passed", "test_three": "passed"}, "the whole suite"),
            Step({"test_one": "passed"}, "another -k", arguments=("-k", "one")),
        ),
    ),
    _edited(
        "edited code",
        "The code under test is edited between two runs, so that a test must fail.",
        Step(
            GREEN | {"test_code": "failed"},
            "src/app.py edited",
            {"src/app.py": EDITED["src/app.py"].replace("return 1", "return 2")},
        ),
    ),
    _edited(
        "edited conftest",
        "A fixture in `conftest.py` is edited, so that a test must fail.",
        Step(
            GREEN | {"test_conftest": "failed"},
            "conftest.py edited",
            {"tests/conftest.py": EDITED["tests/conftest.py"].replace("return 1", "return 2")},
        ),
    ),
    _edited(
        "variable",
        "An environment variable, which the code under test reads when it is imported, has another value in the next "
        "run, so that a test must fail.",
        Step(GREEN | {"test_mode": "failed"}, "APP_MODE=other", variables={"APP_MODE": "other"}),
    ),
    _edited(
        "new test",
        "A test is written between two runs. It is run as well.",
        Step(
            GREEN | {"test_new": "passed"},
            "a test added",
            {"tests/test_app.py": EDITED["tests/test_app.py"] + "\n\ndef test_new(): ...\n"},
        ),
    ),
)
