"""The real torch, taken away and faked: it comes back whole, in both modes."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES, failures, owners_told, told
from ..support.suite import section

if TYPE_CHECKING:
    from ..support.suite import Suite


def _is_installed(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(not _is_installed("torch"), reason="torch is not installed"),
]

# Comes last. What a second initialisation, or a missing part, is known to break.
WHOLE = """
import importlib
import importlib.util
import io
import pickle
import sys

def test_saving(torch):
    tensor = torch.arange(3.0, requires_grad=True)
    file = io.BytesIO()
    torch.save({"weight": tensor, "dtype": torch.float32}, file)
    file.seek(0)
    assert torch.equal(torch.load(file)["weight"], tensor)

def test_pickling(torch):
    tensor = torch.arange(3.0)
    assert torch.equal(pickle.loads(pickle.dumps(tensor)), tensor)
    layer = torch.nn.Linear(3, 1)
    assert type(pickle.loads(pickle.dumps(layer))) is type(layer) is torch.nn.modules.linear.Linear
    assert pickle.loads(pickle.dumps(torch.float32)) is torch.float32

def test_printing(torch):
    assert repr(torch.arange(3.0, requires_grad=True)) == "tensor([0., 1., 2.], requires_grad=True)"
    assert repr(torch.nn.Linear(3, 1)) == "Linear(in_features=3, out_features=1, bias=True)"

def test_autograd(torch):
    weight = torch.arange(3.0, requires_grad=True)
    torch.nn.functional.relu(weight**2).sum().backward()
    assert weight.grad.tolist() == [0.0, 2.0, 4.0]

def test_names_lead_to_attributes(torch):
    for name in ("torch.nn", "torch.nn.functional", "torch.nn.modules.linear", "torch.overrides", "torch._C"):
        parent, _, child = name.rpartition(".")
        assert getattr(importlib.import_module(parent), child) is importlib.import_module(name) is sys.modules[name]

def test_specs_are_its_own(torch):
    for name in ("torch", "torch.nn", "torch.nn.modules.linear"):
        module = sys.modules[name]
        assert module.__spec__.name == name
        assert module.__spec__.loader is module.__loader__
        assert "heavyimports" not in type(module.__loader__).__module__
        assert importlib.util.find_spec(name) is module.__spec__
"""
TESTS_OF_WHOLE = 6

# Some seconds more: what torch imports by itself, later, when a model is compiled or an optimiser is made.
LATER = """
def test_later_parts(torch):
    import torch._dynamo
    assert torch._dynamo.disable(lambda x: x + 1)(torch.ones(1)).item() == 2
    assert torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1).step() is None
"""

ROOT = 'del sys.modules["torch"]'
EVERYTHING = """for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        del sys.modules[name]"""
PART = 'del sys.modules["torch.nn.modules.linear"]'
EVICTIONS = {"root": (ROOT, "torch"), "everything": (EVERYTHING, "torch"), "a part": (PART, "torch.nn.modules.linear")}
EACH_EVICTION = ["root", pytest.param("everything", marks=pytest.mark.slow), "a part"]

PUT_BACK = """
import sys

def test_evicts(torch):
    {eviction}
"""

REFUSED = """
import importlib
import sys

import pytest

def test_evicts(torch):
    before = dict(sys.modules)
    {eviction}
    with pytest.raises(RuntimeError, match="was about to be initialised a second time in this process"):
        importlib.import_module("{name}")
    sys.modules.update(before)
"""

GIVEN_BACK = """
import importlib
import sys

def test_evicts(torch):
    before = dict(sys.modules)
    {eviction}
    importlib.import_module("{name}")
    assert sys.modules["torch"] is torch
    assert [name for name in before if sys.modules.get(name) is not before[name]] == []
"""

RELOADED = """
import importlib

def test_reloads(torch):
    assert importlib.reload(torch) is torch
"""


def _write(suite: Suite, text: str, eviction: str) -> int:
    """Gives the number of tests that come after."""
    code, name = EVICTIONS[eviction]
    suite.declare("torch")
    suite.write("test_a.py", text.format(eviction=code, name=name))
    is_long = eviction == "everything"
    suite.write("test_z.py", WHOLE + LATER if is_long else WHOLE)
    return TESTS_OF_WHOLE + is_long


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("eviction", EACH_EVICTION)
def test_whole_after_a_put_back(torch_suite: Suite, eviction: str, mode: str) -> None:
    """A test evicts and leaves: everything is back before the next test, and works."""
    after = _write(torch_suite, PUT_BACK, eviction)
    result = torch_suite.run(f"--heavy-guard={mode}", "-rfE")
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py::test_evicts"])
    assert result.parseoutcomes()["passed"] == 1 + after
    (line,) = owners_told(result)
    assert line.startswith(f"test_a.py::test_evicts: left {EVICTIONS[eviction][1]}")
    assert line.endswith(" displaced: put back")


@pytest.mark.parametrize("eviction", EACH_EVICTION)
def test_whole_after_a_refusal(torch_suite: Suite, eviction: str) -> None:
    """A test evicts and imports again: refused before anything is executed, so that putting back heals."""
    after = _write(torch_suite, REFUSED, eviction)
    result = torch_suite.run("--heavy-guard=error", "-rfE")
    assert failures(result) == []
    result.assert_outcomes(passed=1 + after)


@pytest.mark.parametrize("eviction", EACH_EVICTION)
def test_whole_after_a_give_back(torch_suite: Suite, eviction: str) -> None:
    """A test evicts and imports again: the same objects, all of them, without an execution."""
    after = _write(torch_suite, GIVEN_BACK, eviction)
    result = torch_suite.run("--heavy-guard=restore", "-rfE", "-W", "error::pytest_heavyimports.HeavyImportWarning")
    assert failures(result) == []
    result.assert_outcomes(passed=1 + after)


@pytest.mark.parametrize(
    ("text", "eviction"),
    [
        pytest.param(PUT_BACK, "root", id="put back"),
        pytest.param(GIVEN_BACK, "everything", id="given back"),
        pytest.param(RELOADED, "root", id="reloaded"),
    ],
)
def test_whole_though_the_run_itself_imported_torch(suite: Suite, text: str, eviction: str) -> None:
    """The first import goes through our loader, as in users' runs. Runs of ``torch_suite`` begin after it."""
    _write(suite, text, eviction)
    suite.write("test_z.py", WHOLE)
    result = suite.run("--heavy-guard=restore", "-rfE")
    assert failures(result) == []
    assert result.parseoutcomes()["passed"] == 1 + TESTS_OF_WHOLE
    (line,) = [line for line in section(result) if line.startswith("torch ")]
    assert "  first: test_a.py::" in line


@pytest.mark.parametrize(
    ("where", "mode"),
    [
        ("a test", "restore"),
        pytest.param("a test", "error", marks=pytest.mark.slow),
        pytest.param("a file", "restore", marks=pytest.mark.slow),
        ("a file", "error"),
    ],
)
def test_a_first_import_inside_patch_dict(suite: Suite, where: str, mode: str) -> None:
    """What comes in inside the block is thrown out at its end, pure Python and C parts: it comes back together."""
    suite.declare("torch")
    block = 'with mock.patch.dict(sys.modules, {"not_there_at_all": None}): import torch\n'
    if where == "a test":
        suite.write("test_a.py", f"import sys\nfrom unittest import mock\n\ndef test_patches():\n    {block}")
    else:
        suite.write("test_a.py", f"import sys\nfrom unittest import mock\n\n{block}\ndef test_patches(): pass\n")
    suite.write("test_z.py", WHOLE)
    result = suite.run(f"--heavy-guard={mode}", "-rfE", "--continue-on-collection-errors")
    culprit = "test_a.py::test_patches" if where == "a test" else "test_a.py"
    assert failures(result) == ([] if mode == "restore" else [f"ERROR {culprit}"])
    passed = TESTS_OF_WHOLE + (mode == "restore" or where == "a test")
    assert result.parseoutcomes()["passed"] == passed


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_part_that_is_loaded_later_inside_patch_dict(torch_suite: Suite, mode: str) -> None:
    """``torch._dynamo`` and what it brings in (sympy) are thrown out by the block, and come back together."""
    torch_suite.declare("torch")
    torch_suite.write(
        "test_a.py",
        """
import sys
from unittest import mock

def test_patches(torch):
    with mock.patch.dict(sys.modules):
        import torch._dynamo
""",
    )
    torch_suite.write("test_z.py", WHOLE)
    result = torch_suite.run(f"--heavy-guard={mode}", "-rfE")
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py::test_patches"])
    assert result.parseoutcomes()["passed"] == 1 + TESTS_OF_WHOLE


@pytest.mark.parametrize("mode", MODES)
def test_a_fake_that_is_taken_out_again(torch_suite: Suite, mode: str) -> None:
    """A fake torch for one test, with the real one before and after, is nobody's business."""
    torch_suite.declare("torch")
    torch_suite.write(
        "test_a.py",
        """
import sys
from unittest.mock import MagicMock

def test_fake(torch, monkeypatch):
    for name in ("torch", "torch.nn"):
        monkeypatch.setitem(sys.modules, name, MagicMock())
    import torch.nn
    assert isinstance(torch.nn, MagicMock)

def test_missing(torch, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    try:
        import torch as again
    except ImportError:
        again = None
    assert again is None
""",
    )
    torch_suite.write("test_z.py", WHOLE)
    result = torch_suite.run(f"--heavy-guard={mode}", "-rfE", "-W", "error::pytest_heavyimports.HeavyImportWarning")
    result.assert_outcomes(passed=2 + TESTS_OF_WHOLE)
    assert told(result) == []


def test_unguarded_an_eviction_breaks(torch_suite: Suite) -> None:
    """Without the guard the import after an eviction of the root fails, and torch is damaged by the attempt."""
    torch_suite.declare("torch")
    torch_suite.write(
        "test_a.py",
        """
import io
import sys

def test_evicts(torch):
    del sys.modules["torch"]
    import torch as again

def test_saves(torch):
    torch.save(torch.ones(1), io.BytesIO())
""",
    )
    result = torch_suite.run("--heavy-guard=off", "-rfE")
    assert failures(result) == ["FAILED test_a.py::test_evicts", "FAILED test_a.py::test_saves"]
    assert "Only a single TORCH_LIBRARY can be used to register the namespace triton" in result.stdout.str()
