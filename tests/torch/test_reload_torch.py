"""What breaks in the real torch when it is initialised twice, and that the guard prevents it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite


def _is_installed(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(not _is_installed("torch"), reason="torch is not installed"),
]

DOCSTRING = "function '_has_torch_function' already has a docstring"
NAMESPACE = "Only a single TORCH_LIBRARY can be used to register the namespace triton"

RELOADS = [
    pytest.param("torch.overrides", DOCSTRING, id="overrides"),
    pytest.param("torch", NAMESPACE, id="torch"),
]

SUITE = '''
import importlib
import io
import pickle

import pytest


def test_reload(torch):
    importlib.reload(importlib.import_module("{fullname}"))


def test_torch_is_whole(torch):
    """Saving, pickling, printing and differentiating work, and the classes are those of before."""
    tensor = torch.arange(3.0, requires_grad=True)
    file = io.BytesIO()
    torch.save(tensor, file)
    file.seek(0)
    assert torch.equal(torch.load(file), tensor)
    assert torch.equal(pickle.loads(pickle.dumps(tensor)), tensor)
    layer = torch.nn.Linear(3, 1)
    assert type(pickle.loads(pickle.dumps(layer))) is type(layer)
    assert repr(tensor) == "tensor([0., 1., 2.], requires_grad=True)"
    (tensor**2).sum().backward()
    assert tensor.grad.tolist() == [0.0, 2.0, 4.0]

    import torch as again

    assert again is torch
    assert isinstance(tensor, again.Tensor)
    assert importlib.import_module("{fullname}").__spec__.name == "{fullname}"
'''


def _write(suite: Suite, fullname: str) -> None:
    suite.declare("torch")
    suite.write("test_it.py", SUITE.format(fullname=fullname))


@pytest.mark.parametrize(("fullname", "error"), RELOADS)
def test_unguarded_a_reload_breaks(torch_suite: Suite, fullname: str, error: str) -> None:
    """Without the guard the reload fails with the error that has brought people here."""
    _write(torch_suite, fullname)
    result = torch_suite.run("-k", "test_reload", "--tb=line")
    assert result.parseoutcomes()["failed"] == 1
    assert error in result.stdout.str()


@pytest.mark.parametrize(("fullname", "error"), RELOADS)
def test_error_refuses_and_torch_stays_whole(torch_suite: Suite, fullname: str, error: str) -> None:
    """The reload is refused with place and reason, and everything else goes on working."""
    _write(torch_suite, fullname)
    result = torch_suite.run("--heavy-guard=error", "--tb=short")
    result.assert_outcomes(failed=1, passed=1)
    text = result.stdout.str()
    assert error not in text
    result.stdout.fnmatch_lines(
        [
            f"E*ReloadRefused: '{fullname}' was about to be reloaded, which would initialise it a second time *",
            "E*first:  conftest or plugin",
            "E*reload: test_it.py:9, in test_it.py::test_reload (call)",
            "E*why:    it*",
        ]
    )


@pytest.mark.parametrize(("fullname", "error"), RELOADS)
def test_restore_gives_torch_back_whole(torch_suite: Suite, fullname: str, error: str) -> None:
    """The reload is no reload, one warning tells so, and everything works afterwards."""
    _write(torch_suite, fullname)
    result = torch_suite.run("--heavy-guard=restore")
    result.assert_outcomes(passed=2, warnings=1)
    text = result.stdout.str()
    assert error not in text
    assert f"HeavyImportWarning: '{fullname}' was not reloaded: the module was given back as it is." in text


def test_torch_is_imported_once_in_a_guarded_session(suite: Suite) -> None:
    """By alias, by call and by statement, in several files: one module, one line in the report, one place in errors."""
    suite.declare("torch", "functional = torch.nn.functional", "Linear = torch.nn:Linear", heavy_guard="error")
    for number in (1, 2):
        suite.tests(
            """
            def test_it(torch, functional, Linear, heavy_module):
                import torch.nn.functional as by_statement
                assert by_statement is functional is heavy_module("torch.nn.functional")
                assert Linear is torch.nn.Linear is heavy_module("torch:nn.Linear")
            """,
            f"test_{number}.py",
        )
    suite.tests(
        """
        import importlib

        import pytest
        from pytest_heavyimports import ReloadRefused

        def test_reload(torch):
            with pytest.raises(ReloadRefused, match="first:  test_1.py::test_it .setup of fixture .torch"):
                importlib.reload(torch)
        """,
        "test_3.py",
    )
    result = suite.run("-W", "error::pytest_heavyimports.HeavyImportWarning")
    result.assert_outcomes(passed=3)
    lines = [line for line in result.outlines if line.startswith("torch ")]
    assert len(lines) == 1
    assert lines[0].endswith("first: test_1.py::test_it (setup of fixture 'torch')")


def test_cuda_device_initialises_no_cuda(torch_suite: Suite) -> None:
    """Asking for a device where there is none skips, and CUDA stays uninitialised in this process."""
    torch_suite.tests(
        """
        def test_device(cuda_device): pass

        def test_it(heavy_module):
            assert not heavy_module("torch").cuda.is_initialized()
        """
    )
    result = torch_suite.run("-rs", CUDA_VISIBLE_DEVICES="")
    result.assert_outcomes(skipped=1, passed=1)
    result.stdout.fnmatch_lines(["SKIPPED * no CUDA device: *"])


def test_code_under_test_that_imports_torch_can_be_reloaded(torch_suite: Suite, tmp_path: Path) -> None:
    """A reload of the project's own module executes it again, with the same torch."""
    torch_suite.declare("torch")
    torch_suite.write("app.py", "import torch\n\nruns = globals().get('runs', 0) + 1\nscale = torch.ones(2)\n")
    torch_suite.tests(
        """
        import importlib

        def test_it(torch):
            import app
            assert importlib.reload(app).runs == 2
            assert app.torch is torch
        """
    )
    torch_suite.run("--heavy-guard=error", "-W", "error::UserWarning:pytest_heavyimports").assert_outcomes(passed=1)
