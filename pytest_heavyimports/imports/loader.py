"""Loaders that stand before a real one for the length of one import, and get out of the way."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, TypeVar

# It marks where importlib calls what may raise: Python drops the frames down to it from a failed import's traceback.
_call_with_frames_removed: Callable[..., Any] = getattr(
    importlib._bootstrap,
    "_call_with_frames_removed",
    lambda function, *arguments: function(*arguments),
)

Body = TypeVar("Body", bound=Callable[..., Any])


def as_import_system(function: Body) -> Body:
    """
    Let a function that calls module code pass for one of importlib's own.

    Python drops importlib's frames from the traceback of a failed import, and ``warnings`` skips them when it looks
    for the importing line (``stacklevel=2``). With a frame of ours among them neither would work as without us.

    Reference: ``remove_importlib_frames`` in CPython's import.c, ``_is_internal_frame`` in its warnings.py.
    """
    code = function.__code__.replace(co_filename="<frozen importlib._bootstrap_external>")
    function.__code__ = code
    return function


class Wrapper:
    """Answers for the real loader whatever isn't asked about loading: ``runpy`` for code, resources for a reader."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        if name == "_loader":  # asked by copy, of an object without attributes
            raise AttributeError(name)
        return getattr(self._loader, name)


class WatchedLoader(Wrapper):
    """
    Executes a module by its real loader, inside a context manager.

    Before the module's first statement runs, the real loader is back in ``module.__spec__`` and ``module.__loader__``,
    as with ``importlib.util.LazyLoader``.
    """

    def __init__(self, loader: Any, around: Callable[[str, ModuleType], AbstractContextManager[object]]) -> None:
        """*around* is called with the module's name and the module, and entered while that is executed."""
        super().__init__(loader)
        self._around = around

    @as_import_system
    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    @as_import_system
    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None  # the import system sets it before it calls us
        spec.loader = module.__loader__ = self._loader
        with self._around(spec.name, module):
            self._loader.exec_module(module)


class GivingLoader(Wrapper):
    """Gives a module that is there already, and executes nothing."""

    def __init__(self, give: Callable[[], Any], spec: ModuleSpec | None) -> None:
        """
        Args:
            give: Gives the module, or raises.
            spec: The module's own, which is put back after the import system has overwritten it.
        """
        super().__init__(spec and spec.loader)
        self._give = give
        self._spec = spec

    @as_import_system
    def create_module(self, _: ModuleSpec) -> Any:
        return _call_with_frames_removed(self._give)

    def exec_module(self, module: ModuleType) -> None:
        # Where the module had none, it has none: it may be an object that a module has put in its own place.
        module.__spec__ = self._spec
        module.__loader__ = self._spec.loader if self._spec else None


def giving_spec(fullname: str, spec: ModuleSpec | None, give: Callable[[], Any]) -> ModuleSpec:
    """A spec like *spec*, with which the import system takes the module that *give* gives."""
    answer = copy.copy(spec) or ModuleSpec(fullname, None)
    answer.loader = GivingLoader(give, spec)  # type: ignore[assignment]  # a duck
    return answer
