"""Loaders that stand before a real one for the length of one execution, and get out of the way."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeVar

Body = TypeVar("Body", bound=Callable[..., Any])


def _as_import_system(function: Body) -> Body:
    """
    Let a function that calls module code pass for one of importlib's own.

    Python drops importlib's frames from the traceback of a failed import, and ``warnings`` skips them when it looks
    for the importing line (``stacklevel=2``). With a frame of ours among them neither would work as without us.

    Reference: ``remove_importlib_frames`` in CPython's import.c, ``_is_internal_frame`` in its warnings.py.
    """
    code = function.__code__.replace(co_filename="<frozen importlib._bootstrap_external>")
    function.__code__ = code  # type: ignore[attr-defined]  # a function, not any callable
    return function


class WatchedLoader:
    """
    Executes a module by its real loader, inside a context manager.

    Before the module's first statement runs, the real loader is back in ``module.__spec__`` and ``module.__loader__``,
    as with ``importlib.util.LazyLoader``; whoever asks the loader for something else (``runpy`` for code,
    ``importlib.resources`` for a reader) is answered by the real one.
    """

    def __init__(self, loader: Any, around: Callable[[str], AbstractContextManager[object]]) -> None:
        """*around* is called with the module's name and entered while the module is executed."""
        self._loader = loader
        self._around = around

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    @_as_import_system
    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None  # the import system sets it before it calls us
        spec.loader = module.__loader__ = self._loader
        with self._around(spec.name):
            self._loader.exec_module(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class _GivingBackLoader:
    """Executes nothing: what ``importlib.reload`` has written into the module before it calls us is put back."""

    def __init__(self, spec: ModuleSpec | None, loader: Any) -> None:
        self._spec = spec
        self._loader = loader

    def create_module(self, _: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec
        module.__loader__ = self._loader


def spec_giving_back(module: ModuleType) -> ModuleSpec:
    """A spec with which ``importlib.reload`` leaves *module* as it is."""
    spec = copy.copy(module.__spec__) or ModuleSpec(module.__name__, None)
    spec.loader = _GivingBackLoader(module.__spec__, getattr(module, "__loader__", None))  # type: ignore[assignment]  # a duck
    return spec
