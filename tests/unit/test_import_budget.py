"""What a run loads that doesn't use the plugin: it is loaded in every run of everybody who has it installed."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest_heavyimports

OURS = "pytest_heavyimports"
AT_START = {"", ".features", ".fixtures", ".config", ".config.options", ".hookspecs", ".plugin", ".config.sources"}
NEVER_UNUSED = {
    "torch",
    "numpy",
    "importlib_metadata",
    "packaging.specifiers",
    f"{OURS}.cli",
    f"{OURS}.config.declarations",
    f"{OURS}.config.marks",
    f"{OURS}.config.needs",
    f"{OURS}.cuda",
    f"{OURS}.defer",
    f"{OURS}.doctor",
    f"{OURS}.errors",
    f"{OURS}.facts",
    f"{OURS}.guard",
    f"{OURS}.imports",
    f"{OURS}.isolation",
    f"{OURS}.probe",
    f"{OURS}.process",
    f"{OURS}.pytester",
    f"{OURS}.registry",
    f"{OURS}.report",
    f"{OURS}.scan",
    f"{OURS}.selection",
    f"{OURS}.session",
    f"{OURS}.stubs",
    f"{OURS}.telling",
    f"{OURS}.warm",
}


def _all_modules() -> list[str]:
    return [OURS, *(found.name for found in pkgutil.walk_packages(pytest_heavyimports.__path__, f"{OURS}."))]


def test_loading_the_plugin_loads_what_each_run_uses(python: Callable[..., str]) -> None:
    """The hooks, options, fixtures and where lines come from; the rest waits for its use."""
    code = f"""
    import json, sys
    import {OURS}.plugin
    print(json.dumps([name for name in sys.modules if name.partition(".")[0] == "{OURS}"]))
    """
    assert set(json.loads(python(code))) == {f"{OURS}{name}" for name in AT_START}


def test_a_run_that_declares_nothing_loads_nothing_heavy(tmp_path: Path) -> None:
    """Neither a heavy module nor the parts of the plugin that look after one."""
    (tmp_path / "conftest.py").write_text(
        "import json, sys\n\n"
        "def pytest_unconfigure():\n"
        "    with open('modules.json', 'w') as file:\n"
        "        json.dump(sorted(sys.modules), file)\n",
        encoding="utf-8",
    )
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-p", f"{OURS}.plugin", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=True,
        capture_output=True,
    )
    loaded = set(json.loads((tmp_path / "modules.json").read_text(encoding="utf-8")))
    assert f"{OURS}.plugin" in loaded
    # From Python 3.15 on, every run has what keeps test files lazy.
    needed = {f"{OURS}.defer", f"{OURS}.facts"} if sys.version_info >= (3, 15) else set()
    assert loaded & NEVER_UNUSED == needed


def test_each_module_can_be_imported_alone(python: Callable[..., str]) -> None:
    """No module needs another one of ours to have been imported before, and none warns."""
    code = """
    import os, sys, traceback
    import grimp, libcst, packaging.specifiers, pytest, tomlkit  # once for all, since they take most of the time

    for fullname in sys.argv[1:]:
        if os.fork() == 0:
            try:
                __import__(fullname)
            except BaseException:
                traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
            os._exit(0)
        os.wait()
    """
    assert python(code, *_all_modules()) == ""
