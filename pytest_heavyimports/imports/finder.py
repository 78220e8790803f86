"""
The one meta path finder: it leaves the finding to the others.

It is put first into ``sys.meta_path``. Where others are put before it, ``finding.py`` hands it their answers.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from ..facts.places import is_plumbing
from .loader import WatchedLoader, giving_spec

if TYPE_CHECKING:
    from typing import Protocol

    from .keeper import Half, Keeper

    Executing = Callable[[str, Any], AbstractContextManager[None]]

    class Judge(Protocol):
        """Who decides what becomes of a request. What its methods raise goes to whoever imports or reloads."""

        def is_lifted(self) -> bool:
            """Whether everything goes its way now, as without a guard."""

        def is_protected(self, fullname: str) -> bool:
            """Whether the module must not be initialised twice."""

        def on_other(self, fullname: str) -> Executing | None:
            """Another module is asked for: what to enter while it is executed, if anything."""

        def lets_go(self, fullname: str) -> bool:
            """Whether a kept module that is missing shall be executed again, as without a guard: it is forgotten."""

        def on_reload(self, fullname: str) -> bool:
            """A reload is asked for. True: the module is given back as it is; False: it is reloaded."""

        def on_reimport(self, fullname: str, *, is_nested: bool) -> None:
            """A kept module is missing and imported again, by a protected one if *is_nested*: given back, or raises."""

        def on_half(self, fullname: str, half: Half) -> NoReturn:
            """A module whose first import failed half-way is imported again: raises."""

        def importing(self, fullname: str) -> AbstractContextManager[object]:
            """Entered while the outermost protected import of a thread goes on."""


# Functions of importlib/_bootstrap.py, from Python 3.10 to 3.14, by whose names frames are known. Without them, whoever
# only asks for a spec would be taken for an import.
IMPORTING = "_find_and_load_unlocked"
FINDING = "_find_spec"
FROM_IMPORT = "_handle_fromlist"


class ProtectedFinder:
    """Sees reloads, however ``reload`` was bound, and every import of a protected module that isn't there."""

    wraps_loaders = True

    def __init__(self, judge: Judge, keeper: Keeper) -> None:
        self._judge = judge
        self._keeper = keeper
        self._thread = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """
        Reference: "The meta path" in Python's language reference.

        ``importlib.reload`` alone passes a *target*: the module to be reloaded. Nobody is judged here, since
        ``importlib.util.find_spec`` only asks whether there is such a module.
        """
        __tracebackhide__ = True
        return self._judged(fullname, path, target, lambda: self._ask_others(fullname, path, target))

    def after(
        self, spec: ModuleSpec, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec:
        """The answer to a request that a finder before this one has answered by *spec*: its loader does its work."""
        __tracebackhide__ = True
        return self._judged(fullname, path, target, lambda: spec) or spec

    def _judged(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None,
        ask_others: Callable[[], ModuleSpec | None],
    ) -> ModuleSpec | None:
        __tracebackhide__ = True
        if target is not None and sys.modules.get(fullname) is target:
            if not self._judge.on_reload(fullname):
                return None
            answer = giving_spec(fullname, target.__spec__, lambda: target)
            answer.submodule_search_locations = getattr(target, "__path__", None)
            return answer
        if self._judge.is_lifted():
            return None
        # What another session has had kept may not be protected in this one.
        is_protected = self._judge.is_protected(fullname)
        kept = self._keeper.find(fullname) if is_protected or fullname not in self._keeper.kept else None
        if not is_protected and kept is None:
            return self._other(fullname, ask_others)
        if kept is not None and is_import(_asker()) and self._judge.lets_go(fullname):
            kept = None
        if kept is not None and (twin := self._twin(fullname, path)) is not None:
            return twin
        if kept is not None and self._is_parent_in_place(fullname):
            return self._given(fullname, kept, asker=_asker())
        spec = ask_others()
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return self._with_parts(fullname, spec)
        if kept is not None:
            return self._given(fullname, kept, asker=_asker())
        if fullname in self._keeper.half:
            return giving_spec(fullname, spec, partial(self._tried_again, fullname))
        spec.loader = WatchedLoader(spec.loader, self._executing)  # type: ignore[assignment]  # a duck
        return spec

    def _other(self, fullname: str, ask_others: Callable[[], ModuleSpec | None]) -> ModuleSpec | None:
        """A module that is not protected; parts of it may be kept, which it has as attributes when it is executed."""
        executing = None if getattr(self._thread, "is_importing", False) else self._judge.on_other(fullname)
        has_parts = self._keeper.has_parts(fullname)
        spec = ask_others() if executing or has_parts else None
        if spec is None or type(spec.loader).__module__.startswith("_pytest."):
            return spec  # test files and plugins are pytest's
        if spec.loader is None:
            return self._with_parts(fullname, spec)
        around = [*filter(None, [executing, self._keeper.attaching if has_parts else None])]
        if hasattr(spec.loader, "exec_module"):
            spec.loader = WatchedLoader(spec.loader, partial(_all_of, around))  # type: ignore[assignment]  # a duck
        return spec

    def _with_parts(self, fullname: str, spec: ModuleSpec | None) -> ModuleSpec | None:
        """A namespace package, which has no code to wait for: it has its kept parts as attributes from the start."""
        if spec is None or spec.loader is not None or not self._keeper.has_parts(fullname):
            return spec
        module = module_from_spec(spec)
        with self._keeper.attaching(fullname, module):
            return giving_spec(fullname, module.__spec__, lambda: module)

    def _twin(self, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """
        What a module that is being executed means where it takes itself away and imports its own name: another file.

        So cv2 loads its shared library, which has the name of the package, and then puts itself back.
        """
        module = self._keeper.being_executed(fullname)
        spec = self._ask_others(fullname, path, None) if module is not None else None
        return spec if spec is not None and spec.origin != getattr(module.__spec__, "origin", None) else None

    def _is_parent_in_place(self, fullname: str) -> bool:
        # Under a fake package only what the fake leads to may be found.
        parent = fullname.rpartition(".")[0]
        return not parent or sys.modules.get(parent) is self._keeper.find(parent)

    def _ask_others(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            # That of an outer session would wrap the loader once more.
            if isinstance(finder, ProtectedFinder) or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                return spec
        return None

    def _given(self, fullname: str, module: Any, *, asker: FrameType) -> ModuleSpec:
        if is_import(asker):
            self._keeper.await_import(fullname)
        return giving_spec(fullname, self._keeper.spec(fullname), partial(self._give, fullname, module))

    def _give(self, fullname: str, module: Any) -> Any:
        __tracebackhide__ = True
        self._keeper.arrived(fullname)
        if fullname in self._keeper.kept:
            is_nested = getattr(self._thread, "is_importing", False)
            # A package that takes away what it has just brought in, as cv2 does, is nobody's culprit.
            if not (is_nested and self._keeper.is_new(fullname, self._thread.kept)):
                self._judge.on_reimport(fullname, is_nested=is_nested)
            self._keeper.give_back(fullname)
        return module

    def _tried_again(self, fullname: str) -> NoReturn:
        __tracebackhide__ = True
        self._judge.on_half(fullname, self._keeper.half[fullname])

    def _executing(self, fullname: str, module: ModuleType) -> AbstractContextManager[object]:
        keeping = self._keeper.executing(fullname, module)
        return keeping if getattr(self._thread, "is_importing", False) else self._outermost(fullname, keeping)

    @contextmanager
    def _outermost(self, fullname: str, keeping: AbstractContextManager[object]) -> Iterator[None]:
        self._thread.is_importing = True
        self._thread.kept = len(self._keeper.kept)
        try:
            with keeping, self._judge.importing(fullname):
                yield
        finally:
            self._thread.is_importing = False


def is_import(asker: FrameType) -> bool:
    """Whether the caller of a finder is importlib, for an import; others may just want to know."""
    outer: FrameType | None = asker
    while outer is not None and outer.f_code.co_name == FINDING:  # twice where finding.py stands around it
        outer = outer.f_back
    return outer is not asker and outer is not None and outer.f_code.co_name == IMPORTING


def is_from_import(asker: FrameType) -> bool:
    """Whether a frame is importlib's, which looks for a name of ``from package import name``."""
    return asker.f_code.co_name == FROM_IMPORT


@contextmanager
def _all_of(around: Sequence[Executing], fullname: str, module: ModuleType) -> Iterator[None]:
    with ExitStack() as stack:
        for executing in around:
            stack.enter_context(executing(fullname, module))
        yield


def _asker() -> FrameType:
    """Who has asked the finder."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame


def is_for_lazy_name(asker: FrameType) -> bool:
    """
    Whether importlib asks for a module because of ``lazy from package import name``, where the name may be no module.

    Reference: ``lazy_submodule`` in ``importlib/_bootstrap.py``, from Python 3.15 on.
    """
    frame: FrameType | None = asker
    while frame is not None and frame.f_code.co_name != IMPORTING and is_plumbing(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and bool(frame.f_locals.get("lazy_submodule"))
