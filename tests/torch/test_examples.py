"""The examples do what their READMEs say."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from ..support.examples import EXAMPLES, needs_redis, needs_torch

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.examples import Examples

pytestmark = [pytest.mark.torch, needs_torch, needs_redis]
IS_CI = bool(os.environ.get("CI"))  # now: it is not set while tests run
DOCSTRING = "RuntimeError: function '_has_torch_function' already has a docstring"
NAMESPACE = "RuntimeError: Only a single TORCH_LIBRARY can be used to register the namespace triton"


def _outcomes(output: str) -> dict[str, int]:
    return dict(pytest.RunResult.parse_summary_nouns(output.splitlines()).items())


def test_worker_pipeline_passes(examples: Examples) -> None:
    """All 17 tests pass, and torch is imported when the first test asks for it."""
    output = examples.run("worker_pipeline")
    assert _outcomes(output) == {"passed": 17}
    (line,) = [line for line in output.splitlines() if line.startswith("torch ")]
    assert "(setup of fixture 'update_status')" in line or "(setup of fixture 'torch')" in line


def test_worker_pipeline_passes_with_a_real_redis(torch_examples: Examples) -> None:
    """The same with a server; a run that must not skip it has the variable CI set."""
    if shutil.which("redis-server") is None:
        if IS_CI:
            pytest.fail("redis-server is not on PATH, and CI is set: install it")
        pytest.skip("redis-server is not on PATH")
    assert _outcomes(torch_examples.run("worker_pipeline", "--redis=real")) == {"passed": 17}


def test_without_the_program_a_real_redis_is_refused(examples: Examples, tmp_path: Path) -> None:
    """Without redis-server the run stops at once and says what to install."""
    output = examples.run("worker_pipeline", "--redis=real", PATH=str(tmp_path))
    assert "ERROR: --redis=real needs the program redis-server, which is not on PATH." in output
    assert "passed" not in output


def test_nothing_heavy_is_imported_while_collecting(examples: Examples) -> None:
    """The worker's tests are collected without torch."""
    output = examples.run("worker_pipeline", "--collect-only", "-q")
    assert "17 tests collected" in output
    assert not [line for line in output.splitlines() if line.startswith(("torch ", "src."))]


def _promised() -> list[tuple[str, dict[str, int]]]:
    """The rows of the README's table of modes: mode and result."""
    readme = (EXAMPLES / "broken_suite" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", readme, flags=re.MULTILINE)
    return [
        (mode, {_singular(noun): int(number) for number, noun in found})
        for mode, result in rows
        if (found := re.findall(r"(\d+) (failed|passed|warnings?|errors?)", result))
    ]


def _singular(noun: str) -> str:
    return noun.removesuffix("s") if noun in ("warnings", "errors") else noun


def _broken(examples: Examples, mode: str) -> str:
    """The output of the broken suite in a mode of the guard; its outcomes are those that the README promises."""
    output = examples.run("broken_suite", f"--heavy-guard={mode}")
    outcomes = {_singular(noun): number for noun, number in _outcomes(output).items()}
    assert outcomes == dict(_promised())[mode]
    return output


def test_broken_suite_without_the_plugin_has_both_errors(torch_examples: Examples) -> None:
    """Both habits break torch, the second one in an innocent test; the unknown key is warned about."""
    output = torch_examples.run("broken_suite", "-p", "no:heavyimports")
    assert _outcomes(output) == {"failed": 2, "passed": 17, "warnings": 1}
    assert f"E   {DOCSTRING}" in output
    assert f"E   {NAMESPACE}" in output
    assert "FAILED tests/test_batched_calls.py::" in output
    assert "FAILED tests/worker/test_pipeline_helpers.py::test_long_text_is_exact_whatever_the_default_dtype" in output


def test_broken_suite_with_the_guard_off_is_as_without_the_plugin(torch_examples: Examples) -> None:
    """By default nothing is guarded."""
    output = _broken(torch_examples, "off")
    assert DOCSTRING in output
    assert NAMESPACE in output


def test_broken_suite_restored(torch_examples: Examples) -> None:
    """With restore the reload is given back with a warning that names the line, and its test passes."""
    output = _broken(torch_examples, "restore")
    assert DOCSTRING not in output
    assert "FAILED tests/test_batched_calls.py" not in output
    assert "tests/test_batched_calls.py:15: HeavyImportWarning: 'torch.overrides' was not reloaded" in output


def test_broken_suite_refused(torch_examples: Examples) -> None:
    """With error the reload is refused at its line."""
    output = _broken(torch_examples, "error")
    assert DOCSTRING not in output
    assert "ReloadRefused: 'torch.overrides' was about to be reloaded" in output
    assert "  reload: tests/test_batched_calls.py:15, in tests/test_batched_calls.py::" in output


def test_the_readme_has_a_result_for_each_mode() -> None:
    """The table below is read from the README, so it must be there."""
    assert [mode for mode, _ in _promised()] == ["off", "restore", "error"]
