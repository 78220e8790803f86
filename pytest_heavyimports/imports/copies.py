"""
Second executions of a module's file: under another name, by ``exec_module``, by ``runpy``.

Owns ``exec_module`` of importlib's loaders, and ``runpy._run_code``. No finder sees these: a loader is called directly,
or the other name is nothing to the guard.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.machinery import ExtensionFileLoader, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import add_note
from .loader import as_import_system
from .modules import declared_spec, is_finished

if TYPE_CHECKING:
    from .keeper import Keeper

IMPORT, EXEC, RUNPY = "import", "exec_module", "runpy"
"""How a file came to be executed again: by two names in the import system, by a loader, by runpy."""

OnCopy = Callable[[str, str, str], str]
"""Called with the names of the module and of the copy, and how; gives a note for an error of the copy."""


class Copies:
    """Knows under which name each file was executed first."""

    def __init__(self, keeper: Keeper, *, is_protected: Callable[[str], bool], on_copy: OnCopy) -> None:
        """
        Args:
            keeper: Keeps protected modules.
            is_protected: Whether a module must not be initialised twice.
            on_copy: Called before a file is executed again, where one of the two names is protected.
        """
        self._keeper = keeper
        self._is_protected = is_protected
        self._on_copy = on_copy
        self._thread = threading.local()
        loaded = sys.modules.copy().items()
        self._names = {_file(module): name for name, module in loaded if name != "__main__" and is_finished(module)}

    def copied(self, file: str, name: str, module: ModuleType | None) -> str:
        """The module that the execution of a file makes a copy of, where that matters; or an empty text."""
        first = self._names.get(file)
        if first is None or not self._is_there(first, file, module):
            self._names[file] = name
            return ""
        is_asked = self._is_protected(first) or self._is_protected(name)
        return first if is_asked and not getattr(self._thread, "is_copying", False) else ""

    @contextmanager
    def copying(self, first: str, name: str, module: ModuleType | None) -> Iterator[None]:
        """Around the execution of a copy, which is told before it begins; those that it imports are not."""
        is_import = name != first and sys.modules.get(name) is module
        how = RUNPY if module is None else IMPORT if is_import and _tail(name) == _tail(first) else EXEC
        note = self._on_copy(first, name, how)
        self._thread.is_copying = True
        try:
            yield
        except BaseException as error:
            if note:
                add_note(error, note)
            raise
        finally:
            self._thread.is_copying = False

    def _is_there(self, name: str, file: str, module: ModuleType | None) -> bool:
        """Whether a module of that file is alive, and another one than *module*: a first import may have failed."""
        present = sys.modules.get(name, self._keeper.kept.get(name))
        return present is not None and present is not module and _file(present) == file


def watch_executions(copies: Copies) -> ExitStack:
    """Tell of what loaders and runpy execute, until the returned handle is closed."""
    handle = ExitStack()
    for loader in (SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader):
        handle.callback(_watch_loader(loader, copies))
    run_code: Any = getattr(runpy, "_run_code", None)  # where there is none, what runpy does goes unseen
    if run_code:

        def watched_run_code(
            code: CodeType, run_globals: Any, init_globals: Any = None, mod_name: Any = None, *rest: Any, **more: Any
        ) -> Any:
            first = copies.copied(os.path.abspath(code.co_filename), str(mod_name), None)
            with copies.copying(first, str(mod_name), None) if first else nullcontext():
                return run_code(code, run_globals, init_globals, mod_name, *rest, **more)

        runpy._run_code = watched_run_code  # type: ignore[attr-defined]
        handle.callback(setattr, runpy, "_run_code", run_code)
    return handle


def _watch_loader(loader: Any, copies: Copies) -> Callable[[], None]:
    is_own = "exec_module" in vars(loader)
    original = loader.exec_module

    @as_import_system
    def exec_module(self: Any, module: ModuleType) -> None:
        first = copies.copied(self.path, module.__name__, module)
        with copies.copying(first, module.__name__, module) if first else nullcontext():
            original(self, module)

    def put_back() -> None:
        if is_own:
            loader.exec_module = original
        else:
            del loader.exec_module

    loader.exec_module = exec_module
    return put_back


def _file(module: Any) -> str:
    return str(getattr(declared_spec(module), "origin", None))


def _tail(fullname: str) -> str:
    return fullname.rpartition(".")[2]
