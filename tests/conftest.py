"""Fixtures for all tests."""

from __future__ import annotations

import gc
import importlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .suite import SAMPLES, Suite


def _world() -> dict[str, object]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return {
        "sys.meta_path": list(sys.meta_path),
        "importlib.reload": importlib.reload,
        "gc.isenabled()": gc.isenabled(),
        "os.environ": environment,
    }


@pytest.fixture(autouse=True)
def _untouched_world() -> Iterator[None]:
    """No test leaves a finder, a patched reload, a switched-off collector or a variable behind."""
    before = _world()
    yield
    assert _world() == before


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A small suite, to be run by an inner pytest."""
    return Suite(pytester, monkeypatch)


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], list[str]]]:
    """Makes the samples importable in this process; gives a function that tells which were executed, in order."""
    log = tmp_path / "executions.log"
    log.touch()
    monkeypatch.setenv("EXECUTIONS", str(log))
    monkeypatch.syspath_prepend(SAMPLES)
    before = set(sys.modules)
    yield lambda: [line.split()[0] for line in log.read_text(encoding="utf-8").splitlines()]
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None) or ""
        if origin.startswith(str(SAMPLES)):
            del sys.modules[name]


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs code in a fresh interpreter, warnings as errors, and gives what it prints; it must end well."""

    def run(code: str, *arguments: str, path: tuple[Path, ...] = (), **environment: str) -> str:
        entries = [*map(str, path), os.environ.get("PYTHONPATH", "")]
        child = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, entries)), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert child.returncode == 0, child.stderr
        return child.stdout

    return run


class Installed:
    """Distributions in a user site directory, and how an interpreter comes to see it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        scheme = f"{os.name}_user"
        self.site = Path(sysconfig.get_path("purelib", scheme, vars={"userbase": str(base)}))
        self.site.mkdir(parents=True)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make the directory one that distributions are installed into."""
        return {"PYTHONUSERBASE": str(self.base)}

    def add(self, distribution: str, version: str, files: dict[str, str], entry_points: str = "") -> None:
        """Install a distribution."""
        info = f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        everything = {**files, f"{info}/METADATA": metadata}
        if entry_points:
            everything[f"{info}/entry_points.txt"] = entry_points
        everything[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*everything, f"{info}/RECORD"])
        for file, text in everything.items():
            target = self.site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(text), encoding="utf-8")


COUNTED_PACKAGE = """\
from executions import record

record(__name__)
answer = 42
"""

REGISTERING_PACKAGE = """\
from executions import record

record(__name__)

from . import _core

_core.register()
"""

# Like the operator registry of torch: C state that lives as long as the process and refuses a second registration.
EXTENSION = """\
#include <Python.h>

static int registered = 0;

static PyObject *
register_operators(PyObject *self, PyObject *args)
{
    if (registered) {
        PyErr_SetString(PyExc_RuntimeError, "operators can be registered once per process");
        return NULL;
    }
    registered = 1;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"register", register_operators, METH_NOARGS, "Register the operators."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModule_Create(&definition);
}
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """
    A directory with installed distributions.

    ``plainpkg`` 2.3.1 counts its executions, as ``plainpkg.part`` does; ``opencv-alike`` 4.8.0 provides ``cvlike``;
    ``heavy-declarer`` 1.0 declares ``plain_answer = plainpkg:answer`` by entry point.
    """
    directory = Installed(tmp_path_factory.mktemp("userbase"))
    directory.add(
        "plainpkg", "2.3.1", {"plainpkg/__init__.py": COUNTED_PACKAGE, "plainpkg/part.py": COUNTED_PACKAGE}
    )
    directory.add("opencv-alike", "4.8.0", {"cvlike/__init__.py": COUNTED_PACKAGE})
    directory.add(
        "heavy-declarer", "1.0", {}, entry_points="[pytest_heavyimports]\nplain_answer = plainpkg:answer\n"
    )
    return directory


@pytest.fixture(scope="session")
def extension(installed: Installed) -> Installed:
    """The same with ``extpkg`` 1.0, whose extension module refuses to be set up twice; skips without a compiler."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"no C compiler: {compiler[0]} is not on PATH")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("no C compiler that could build an extension: Python.h is not installed")
    installed.add("extpkg", "1.0", {"extpkg/__init__.py": REGISTERING_PACKAGE, "extpkg/_core.c": EXTENSION})
    source = installed.site / "extpkg" / "_core.c"
    target = source.with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
    include = f"-I{sysconfig.get_path('include')}"
    subprocess.run([*compiler, "-shared", "-fPIC", include, str(source), "-o", str(target)], check=True)
    return installed
