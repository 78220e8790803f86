"""Fixtures for all tests."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import importlib_metadata  # noqa: F401  # puts a finder into sys.meta_path when it is first imported
import pytest

from .support.compiling import build_extension
from .support.installed import COUNTED_PACKAGE, EXTENSION, REGISTERING_PACKAGE, Installed
from .support.suite import SAMPLES, Suite
from .support.warm import WarmSuite, opened

_OF_SESSION = (b"pytester/template.py", b"fresh_server.py")  # processes that are forked from, until the session ends


def _children() -> set[str]:
    """The processes that this one has started and not waited for."""
    listed = {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text("ascii").split()}
    found = set()
    for pid in listed:
        with contextlib.suppress(OSError):  # it has just ended
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            found |= {pid} if not any(name in command for name in _OF_SESSION) else set()
    return found


def _world() -> dict[str, object]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return {
        "sys.meta_path": list(sys.meta_path),
        "importlib.reload": importlib.reload,
        "gc.isenabled()": gc.isenabled(),
        "os.environ": environment,
    }


@pytest.fixture(scope="session", autouse=True)
def _as_at_a_desk() -> Iterator[None]:
    """Inner runs print what they would print at a desk: pytest shortens no line where CI is set."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CI", "BUILD_NUMBER", "FORCE_COLOR", "NO_COLOR", "PY_COLORS"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def _untouched_world() -> Iterator[None]:
    """No test leaves a finder, a patched reload, a switched-off collector, a variable or a child process behind."""
    before, children = _world(), _children()
    yield
    assert _world() == before
    assert _children() - children == set()


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A small suite, to be run by an inner pytest."""
    return Suite(pytester, monkeypatch)


@pytest.fixture
def warm(suite: Suite, installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmSuite]:
    """A suite that is run by ``heavyimports run``, with sockets of its own; its warm processes end with the test."""
    with opened(suite, installed, tmp_path_factory.mktemp("warm")) as warm_suite:
        yield warm_suite


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
def python(tmp_path: Path) -> Callable[..., str]:
    """Runs code in a fresh interpreter, warnings as errors, and gives what it prints; it must end well."""

    def run(code: str, *arguments: str, path: tuple[Path, ...] = (), **environment: str) -> str:
        entries = [*map(str, path), os.environ.get("PYTHONPATH", "")]
        child = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments],
            cwd=tmp_path,  # not the repository, whose package need not be the one under test
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, entries)), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert child.returncode == 0, child.stderr
        return child.stdout

    return run


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """
    A directory with installed distributions.

    ``plainpkg`` 2.3.1 counts its executions, as ``plainpkg.part`` does; ``opencv-alike`` 4.8.0 provides ``cvlike``;
    ``heavy-declarer`` 1.0 declares ``plain_answer = plainpkg:answer`` by entry point.
    """
    directory = Installed(tmp_path_factory.mktemp("userbase"))
    directory.add("plainpkg", "2.3.1", {"plainpkg/__init__.py": COUNTED_PACKAGE, "plainpkg/part.py": COUNTED_PACKAGE})
    directory.add("opencv-alike", "4.8.0", {"cvlike/__init__.py": COUNTED_PACKAGE})
    directory.add("heavy-declarer", "1.0", {}, entry_points="[pytest_heavyimports]\nplain_answer = plainpkg:answer\n")
    return directory


@pytest.fixture(scope="session")
def extension(installed: Installed) -> Installed:
    """The same with ``extpkg`` 1.0, whose extension module refuses to be set up twice; skips without a compiler."""
    installed.add("extpkg", "1.0", {"extpkg/__init__.py": REGISTERING_PACKAGE, "extpkg/_core.c": EXTENSION})
    build_extension(installed.site / "extpkg" / "_core.c")
    return installed
