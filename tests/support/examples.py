"""The examples of this project, and pytest run in one."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SWITCHED_OFF = [f"-pno:{name}" for name in ("cacheprovider", "randomly", "xdist", "timeout", "hypothesispytest")]


def _missing(*names: str) -> str:
    specs = {name: importlib.util.find_spec(name) for name in names}
    return ", ".join(name for name, spec in specs.items() if spec is None or spec.origin is None)


needs_redis = pytest.mark.skipif(
    bool(_missing("redis", "fakeredis")), reason=f"not installed: {_missing('redis', 'fakeredis')}"
)
needs_torch = pytest.mark.skipif(bool(_missing("torch")), reason="not installed: torch")


class Examples:
    """Runs pytest in an example, with only the plugins that it needs."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester = pytester
        self._monkeypatch = monkeypatch

    def run(self, example: str, *args: str, path: Path | None = None, **environment: str) -> str:
        """
        Gives the output.

        Args:
            example: The name of its folder.
            args: Arguments of pytest.
            path: A directory to import from.
            environment: Variables to set.
        """
        with self._monkeypatch.context() as patch:
            patch.chdir(EXAMPLES / example)
            for name in [name for name in os.environ if name.startswith("PYTEST_")]:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            if path:
                patch.setenv("PYTHONPATH", str(path), prepend=os.pathsep)
            result = self._pytester.runpytest(*SWITCHED_OFF, *args, timeout=200)
        return f"{result.stdout}\n{result.stderr}"


def copy_example(name: str, target: Path) -> None:
    """Copy its folder, without what runs have left there."""
    shutil.copytree(EXAMPLES / name, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
