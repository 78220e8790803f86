"""The examples do what their READMEs say."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NEEDED = ("torch", "redis", "fakeredis")
DOCSTRING = "RuntimeError: function '_has_torch_function' already has a docstring"
NAMESPACE = "RuntimeError: Only a single TORCH_LIBRARY can be used to register the namespace triton"


def _missing() -> list[str]:
    specs = {name: importlib.util.find_spec(name) for name in NEEDED}
    return [name for name, spec in specs.items() if spec is None or spec.origin is None]


pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(bool(_missing()), reason=f"not installed: {', '.join(_missing())}"),
]


def _run(example: str, *args: str) -> str:
    """The output of pytest in an example, with only the plugins that it needs."""
    switched_off = [f"-pno:{name}" for name in ("cacheprovider", "randomly", "xdist", "timeout", "hypothesispytest")]
    child = subprocess.run(
        [sys.executable, "-m", "pytest", *switched_off, *args],
        cwd=EXAMPLES / example,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=200,
    )
    return child.stdout + child.stderr


@functools.cache
def _broken(mode: str) -> str:
    """The output of the broken suite in a mode of the guard, run once for all tests."""
    return _run("broken_suite", f"--heavy-guard={mode}")


def _outcomes(output: str) -> dict[str, int]:
    return dict(pytest.RunResult.parse_summary_nouns(output.splitlines()).items())


def _first_lines(output: str) -> list[str]:
    return re.findall(r"first: .*", output)


def test_worker_pipeline_passes() -> None:
    """All 17 tests pass, and torch is imported when the first test asks for it."""
    output = _run("worker_pipeline")
    assert _outcomes(output) == {"passed": 17}
    (line,) = [line for line in output.splitlines() if line.startswith("torch ")]
    assert "(setup of fixture 'update_status')" in line or "(setup of fixture 'torch')" in line


def test_worker_pipeline_passes_with_a_real_redis() -> None:
    """The same with a server; a run that must not skip it has the variable CI set."""
    if shutil.which("redis-server") is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not on PATH, and CI is set: install it")
        pytest.skip("redis-server is not on PATH")
    assert _outcomes(_run("worker_pipeline", "--redis=real")) == {"passed": 17}


def test_without_the_program_a_real_redis_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without redis-server the run stops at once and says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    output = _run("worker_pipeline", "--redis=real")
    assert "ERROR: --redis=real needs the program redis-server, which is not on PATH." in output
    assert "passed" not in output


def test_nothing_heavy_is_imported_while_collecting() -> None:
    """The worker's tests are collected without torch."""
    output = _run("worker_pipeline", "--collect-only", "-q")
    assert "17 tests collected" in output
    assert not [line for line in output.splitlines() if line.startswith(("torch ", "src."))]


def test_broken_suite_without_the_plugin_has_both_errors() -> None:
    """Both habits break torch, the second one in an innocent test; the unknown key is warned about."""
    output = _run("broken_suite", "-p", "no:heavyimports")
    assert _outcomes(output) == {"failed": 2, "passed": 17, "warnings": 1}
    assert f"E   {DOCSTRING}" in output
    assert f"E   {NAMESPACE}" in output
    assert "FAILED tests/test_batched_calls.py::" in output
    assert "FAILED tests/worker/test_pipeline_helpers.py::test_long_text_is_exact_whatever_the_default_dtype" in output


def test_broken_suite_with_the_guard_off_is_as_without_the_plugin() -> None:
    """By default nothing is guarded."""
    output = _broken("off")
    assert _outcomes(output) == {"failed": 2, "passed": 17}
    assert DOCSTRING in output
    assert NAMESPACE in output


def test_broken_suite_restored() -> None:
    """With restore the reload is given back with a warning that names the line, and its test passes."""
    output = _broken("restore")
    assert DOCSTRING not in output
    assert "FAILED tests/test_batched_calls.py" not in output
    assert "tests/test_batched_calls.py:15: HeavyImportWarning: 'torch.overrides' was not reloaded" in output


def test_broken_suite_refused() -> None:
    """With error the reload is refused at its line."""
    output = _broken("error")
    assert DOCSTRING not in output
    assert "ReloadRefused: 'torch.overrides' was about to be reloaded" in output
    assert "  reload: tests/test_batched_calls.py:15, in tests/test_batched_calls.py::" in output


def _promised() -> list[tuple[str, dict[str, int]]]:
    """The rows of the README's table of modes: mode and result."""
    readme = (EXAMPLES / "broken_suite" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", readme, flags=re.MULTILINE)
    return [
        (mode, {noun.rstrip("s") if noun == "warning" else noun: int(number) for number, noun in found})
        for mode, result in rows
        if (found := re.findall(r"(\d+) (failed|passed|warning|error)", result))
    ]


def test_the_readme_has_a_result_for_each_mode() -> None:
    """The table below is read from the README, so it must be there."""
    assert [mode for mode, _ in _promised()] == ["off", "restore", "error"]


@pytest.mark.parametrize("mode", ["off", "restore", "error"])
def test_broken_suite_has_the_promised_result(mode: str) -> None:
    """Each mode ends as the README's table says."""
    promised = dict(_promised())[mode]
    outcomes = _outcomes(_broken(mode))
    assert {
        name.removesuffix("s") if name in ("warnings", "errors") else name: n for name, n in outcomes.items()
    } == promised
