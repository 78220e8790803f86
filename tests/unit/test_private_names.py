"""
Names with an underscore of pytest, CPython and other packages, one test a name.

A new version that has one no longer fails here, and not in a user's run: what happens without it stands where it is
used.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import importlib
import importlib.machinery
import importlib.util
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports.config import private
from pytest_heavyimports.imports.finder import is_from_import, is_import
from pytest_heavyimports.imports.modules import is_initializing
from pytest_heavyimports.process import shutdown
from pytest_heavyimports.process.interpreter import interpreter_flags
from pytest_heavyimports.pytester import template

# pytest


def test_fixtureinfo(request: pytest.FixtureRequest) -> None:
    """``pytest.Function._fixtureinfo``."""
    assert "_untouched_world" in private.fixturedefs_of(request.node)
    assert private.fixturedefs_of(SimpleNamespace()) == {}  # type: ignore[arg-type]  # a pytest without it


def test_xml_key() -> None:
    """``_pytest.junitxml.xml_key``."""
    from _pytest.junitxml import xml_key

    config: Any = SimpleNamespace(stash=pytest.Stash())
    assert private.junit_writer(config) is None
    private.stand_for_junit_writer(config, writer := object())
    assert config.stash[xml_key] is private.junit_writer(config) is writer


def test_tmp_path_factory(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> None:
    """``config._tmp_path_factory``."""
    assert private.base_directory(pytestconfig) == tmp_path_factory.getbasetemp()
    assert private.base_directory(SimpleNamespace()) is None  # type: ignore[arg-type]  # without the plugin tmpdir


def test_default_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """``_pytest.config.default_plugins``: without it, a fork imports them itself."""
    from _pytest import config

    assert "terminal" in config.default_plugins
    monkeypatch.delattr(config, "default_plugins")
    template.import_pytest()


def test_get_config() -> None:
    """``_pytest.config.get_config``, by which a warm process begins."""
    from _pytest.assertion import install_importhook
    from _pytest.config import get_config

    assert callable(install_importhook)
    assert isinstance(get_config(), pytest.Config)


# importlib


class _Asked(MetaPathFinder):
    """Notes by which frames it is asked."""

    def __init__(self) -> None:
        self.frames: list[FrameType] = []

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "nothing_of_that_name":
            self.frames.append(sys._getframe(1))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> _Asked:
    """A finder before all others."""
    finder = _Asked()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    return finder


def test_find_spec_and_find_and_load_unlocked(asked: _Asked) -> None:
    """Names of functions of importlib: an import is told from a question."""
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("nothing_of_that_name")
    assert importlib.util.find_spec("nothing_of_that_name") is None
    assert [is_import(frame) for frame in asked.frames] == [True, False]


def test_handle_fromlist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of a function of importlib: ``from package import name`` is told from ``package.name``."""
    told: list[bool] = []

    class Module(ModuleType):
        __path__: tuple[str, ...] = ()

        def __getattr__(self, name: str) -> object:
            told.append(is_from_import(sys._getframe(1)))
            raise AttributeError(name)

    monkeypatch.setitem(sys.modules, "asked_for_names", module := Module("asked_for_names"))
    with pytest.raises(ImportError):
        exec("from asked_for_names import one")
    assert told[0]
    told.clear()
    assert not hasattr(module, "one")
    assert told == [False]


def test_initializing(samples: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """``ModuleSpec._initializing``."""
    seen = []
    execute = importlib.machinery.SourceFileLoader.exec_module

    def exec_module(self: importlib.machinery.SourceFileLoader, module: ModuleType) -> None:
        seen.append(is_initializing(module))
        execute(self, module)

    monkeypatch.setattr(importlib.machinery.SourceFileLoader, "exec_module", exec_module)
    assert not is_initializing(importlib.import_module("counted"))
    assert True in seen


def test_call_with_frames_removed() -> None:
    """``importlib._bootstrap._call_with_frames_removed``."""
    assert importlib._bootstrap._call_with_frames_removed(max, 1, 2) == 2  # type: ignore[attr-defined]


def test_deadlock_error() -> None:
    """``importlib._bootstrap._DeadlockError``, by its name alone."""
    assert issubclass(importlib._bootstrap._DeadlockError, RuntimeError)  # type: ignore[attr-defined]


# the rest of CPython


def test_args_from_interpreter_flags() -> None:
    """``subprocess._args_from_interpreter_flags``."""
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    assert interpreter_flags()[: len(flags)] == flags


def test_run_exitfuncs_and_clear(python: Callable[..., str]) -> None:
    """``atexit._run_exitfuncs`` calls what is registered, and ``atexit._clear`` forgets it."""
    code = """
    import atexit
    atexit.register(print, "called")
    atexit._run_exitfuncs()
    atexit.register(print, "forgotten")
    atexit._clear()
    """
    assert python(code) == "called\n"


def test_ncallbacks() -> None:
    """``atexit._ncallbacks``; without it the client of a warm process ends a little later."""
    assert isinstance(atexit._ncallbacks(), int)


def test_registry_of_finalizers() -> None:
    """``weakref.finalize._registry``, ``_registered_with_atexit`` and ``_exitfunc``."""

    class Object:
        pass

    finalizer = weakref.finalize(one := Object(), print)
    assert finalizer in weakref.finalize._registry  # type: ignore[attr-defined]
    assert weakref.finalize._registered_with_atexit is True  # type: ignore[attr-defined]
    assert callable(weakref.finalize._exitfunc)  # type: ignore[attr-defined]
    finalizer.detach()
    del one


def test_shutdown_of_threads() -> None:
    """``threading._shutdown``."""
    assert callable(threading._shutdown)  # type: ignore[attr-defined]


def test_set_native_id() -> None:
    """``Thread._set_native_id``; without it a fork's main thread has the number of its parent's."""
    assert callable(threading.main_thread()._set_native_id)  # type: ignore[attr-defined]


def test_object_call_finalizer() -> None:
    """``PyObject_CallFinalizer`` of the C API."""
    called = []

    class Object:
        def __del__(self) -> None:
            called.append(True)

    shutdown._finalizer()(Object())
    assert called == [True]


# others


def test_cublas_workspaces() -> None:
    """``torch._C._cuda_clearCublasWorkspaces``, which a build for the CPU need not have."""
    with contextlib.suppress(ImportError):
        import torch

        if torch.version.cuda:
            assert callable(torch._C._cuda_clearCublasWorkspaces)


def test_names_in_the_source_are_tested_here() -> None:
    """Each name with an underscore that the package asks CPython or pytest for has its test."""
    from pathlib import Path

    import pytest_heavyimports

    package = Path(pytest_heavyimports.__file__).parent
    owners = "atexit importlib._bootstrap subprocess threading threading.main_thread() weakref.finalize".split()
    public = {"_getframe", "_current_frames", "_exit", "_xoptions"}
    found = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name, owner = "", ""
            if isinstance(node, ast.Attribute):
                name, owner = node.attr, ast.unparse(node.value)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr" and len(node.args) > 1:
                argument = node.args[1]
                name, owner = str(getattr(argument, "value", "")), ast.unparse(node.args[0])
            if owner in owners and name[:1] == "_" and name[:2] != "__" and name not in public:
                found.add(name)
    assert {name for name in found if name not in Path(__file__).read_text(encoding="utf-8")} == set()
