"""
Stand-in modules with a real ModuleSpec: whatever is asked of them is there, is recorded, and computes nothing.

Their names are made in ``names.py``, and their calls recorded in ``calls.py``.
"""

from __future__ import annotations

import difflib
import importlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from inspect import Signature
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..facts.names import lineage
from ..imports.finder import is_for_lazy_name, is_from_import
from ..imports.modules import is_stand_in
from .answers import OF_VERSION, SETTERS, VALUES, TorchVersion, answer_of, version_of
from .calls import MISSING, RECORD, RECORDED, Origin, Record, is_probe, refuse_misspelt
from .names import NameType, give, give_unknown, make_name

if TYPE_CHECKING:
    from typing import Protocol
    from unittest.mock import Mock

    from ..errors import StandInRefused

    class Surface(Protocol):
        """What is known of a real module; see ``surface.py``."""

        version: str

        def kind(self, module: str, name: str) -> str:
            """A kind of ``surface.py``'s, the name of a builtin exception, or nothing."""

        def signature(self, module: str, name: str) -> Signature | None:
            """How it is called; ``None`` where that is not known."""

        def names(self, module: str) -> Sequence[str]:
            """The names that the module has."""

        def lacks(self, module: str, name: str) -> bool:
            """Whether the module is known, and known not to have the name."""


class Entry(Record):
    """What there is under one dotted name of a stand-in."""

    def __init__(self, stand_in: StandIn, fullname: str) -> None:
        super().__init__(stand_in.origin, fullname, fullname)
        self.stand_in = stand_in
        self.attributes: dict[str, Any] = {}
        """Set by users."""
        self.submodules: dict[str, StandInModule] = {}
        """Attached by the import system: those stay, whatever begins anew."""

    def get(self, name: str) -> Any:
        """
        The attribute, made when it is first asked for.

        Raises:
            AttributeError: Tools ask for it to see what an object is, or the real module is known not to have it.
        """
        __tracebackhide__ = True
        found = self.attributes.get(name, self.submodules.get(name, MISSING))
        if found is not MISSING:
            return found
        if name in RECORDED:
            return self.recorded(name, give_unknown)
        fullname = f"{self.shown}.{name}"
        if fullname in VALUES:
            return VALUES[fullname]
        if fullname in OF_VERSION:
            return self.stand_in.version
        if is_probe(name) and not answer_of(fullname):
            raise AttributeError(f"stand-in {self.shown!r} has no attribute {name!r}")
        if not self.shown.endswith(".testing"):  # numpy.testing.assert_allclose
            refuse_misspelt(name)
        self.stand_in.check(self.shown, name)
        return self.stand_in.get(fullname)

    def answer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """See ``stub_facts.py``."""
        if self.shown in SETTERS and args:
            getter, read = SETTERS[self.shown]
            self.stand_in.entry(getter).configure("return_value", read(self.stand_in, args[0]))
        answer = answer_of(self.shown)
        return answer(self.stand_in, *args, **kwargs) if answer else MISSING

    def check_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """
        Look at a call before it is recorded, as ``unittest.mock.create_autospec`` does.

        Raises:
            TypeError: The real one is known, and can't be called, or not like that.
        """
        __tracebackhide__ = True
        kind, signature = self.stand_in.kind(self.shown), self.stand_in.signature(self.shown)
        if kind == "value":
            raise TypeError(f"the real {self.shown!r} is no function, and can't be called ({self.stand_in.real}).")
        if signature is not None:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                shown = f"{self.shown.rpartition('.')[2]}{signature}"
                raise TypeError(
                    f"the real {self.shown!r} can't be called like this: {error} ({self.stand_in.real}: {shown})."
                ) from None

    def check_class(self) -> None:
        """Raise a TypeError where the real one is known to be a function, and something asks for a class."""
        __tracebackhide__ = True
        if self.stand_in.kind(self.shown) == "function":
            raise TypeError(f"the real {self.shown!r} is a function, and no class ({self.stand_in.real}).")

    @property
    def mock(self) -> Mock:
        """Records the calls; from now on there is something to forget."""
        self.stand_in.used[self] = None
        return super().mock

    def set(self, name: str, value: Any) -> None:
        """Set an attribute, or what calls give."""
        if name in ("return_value", "side_effect"):
            self.configure(name, value)
        elif isinstance(value, StandInModule):
            self.submodules[name] = value
            self.attributes.pop(name, None)
        else:
            self.stand_in.used[self] = None
            self.attributes[name] = value

    def delete(self, name: str) -> None:
        """Take away what was set."""
        for found in (self.attributes, self.submodules):
            if name in found:
                del found[name]
                return
        raise AttributeError(f"nobody has set {name!r} of the stand-in {self.shown!r}")

    def state(self) -> Configured:
        """What was configured, for :meth:`begin`."""
        return_value = self.mock.return_value if self.is_configured else MISSING
        side_effect = self._mock.side_effect if self._mock else None
        return Configured(dict(self.attributes), return_value, side_effect)

    def begin(self, state: Configured | None) -> None:
        """Forget all calls, and go back to what was configured."""
        self.attributes = dict(state.attributes) if state else {}
        self._mock, self._last, self.is_configured = None, MISSING, False
        if state:
            self.stand_in.used[self] = None
        if state and state.side_effect is not None:
            self.configure("side_effect", state.side_effect)
        if state and state.return_value is not MISSING:
            self.configure("return_value", state.return_value)


class Configured(NamedTuple):
    """What users have set of an entry."""

    attributes: dict[str, Any]
    return_value: Any
    side_effect: Any


class StandIn:
    """The stand-in of one module, with all its submodules."""

    def __init__(
        self,
        fullname: str,
        source: str,
        on_refused: Callable[[StandInRefused], None] = lambda _: None,
        *,
        installed_version: Callable[[], str | None] = lambda: None,
    ) -> None:
        """
        Args:
            fullname: The module that it stands in for.
            source: Who asked for it, in words that the user knows.
            on_refused: Told each of its refusals.
            installed_version: Gives the version of the real one, where it is installed; asked when somebody needs it.
        """
        self.origin = Origin(fullname, source, on_refused)
        self.fullname = fullname
        self.known: Surface | None = None
        """What the real one is known to have; ``None`` where nobody has ever seen it."""
        self.used: dict[Entry, None] = {}
        """Those that may have recorded something, or are configured, in order; all others are as they were made."""
        self.installed_version = installed_version
        self._entries: dict[str, Entry] = {}
        self._names: dict[str, NameType] = {}
        self._lock = threading.RLock()

    def entry(self, fullname: str) -> Entry:
        """What there is under a name: one for the module and for the attribute of that name."""
        with self._lock:
            return self._entries.setdefault(fullname, Entry(self, fullname))

    def get(self, fullname: str) -> Any:
        """The object of that name: a module where the real one is known to be one, a class otherwise."""
        if self.kind(fullname) == "module" and is_stand_in(sys.modules.get(self.fullname)):
            return importlib.import_module(fullname)
        with self._lock:
            if fullname not in self._names:
                self._names[fullname] = make_name(self.entry(fullname), self.kind(fullname))
            return self._names[fullname]

    def make(self, fullname: str) -> Any:
        """An instance of the class of that name, as a call of it gives it, which is not recorded."""
        return give(self.get(fullname), Record(self.origin, f"{fullname}(...)", f"{fullname}.return_value"))

    def is_configured(self, fullname: str) -> bool:
        """Whether somebody has said what a function gives, or has put another one in its place."""
        parent, _, name = fullname.rpartition(".")
        return self.entry(fullname).has_answer or name in self.entry(parent).attributes

    def kind(self, fullname: str) -> str:
        """What the real one is known to be; empty where it isn't."""
        module, _, name = fullname.rpartition(".")
        return self.known.kind(module, name) if self.known else ""

    def signature(self, fullname: str) -> Signature | None:
        """How the real one is known to be called."""
        module, _, name = fullname.rpartition(".")
        return self.known.signature(module, name) if self.known else None

    @property
    def version(self) -> str | None:
        """What ``__version__`` says; ``None`` where nobody knows."""
        remembered = self.known.version if self.known else None
        found = self.installed_version() or remembered or version_of(self.fullname)
        return TorchVersion(found) if found and self.fullname == "torch" else found

    @property
    def real(self) -> str:
        """What is known, for people: of which version."""
        return f"{self.fullname} {self.known.version}".rstrip() if self.known else self.fullname

    def check(self, module: str, name: str) -> None:
        """Raise an AttributeError for a name that the real module is known not to have."""
        __tracebackhide__ = True
        if self.known and self.known.lacks(module, name):
            near = difflib.get_close_matches(name, self.known.names(module))
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise AttributeError(f"the real module {module!r} has no attribute {name!r} ({self.real}).{hint}")

    def begin_anew(self) -> dict[Entry, Configured]:
        """No call was recorded before this; gives what was configured, for :meth:`go_back`."""
        before = {entry: entry.state() for entry in list(self.used)}
        for entry, state in before.items():
            entry.begin(state)
        return before

    def go_back(self, before: Mapping[Entry, Configured]) -> None:
        """Forget what was recorded and configured since."""
        used, self.used = self.used, {}
        for entry in {**used, **before}:
            entry.begin(before.get(entry))


class StandInModule(ModuleType):
    """A module of a stand-in. All its names are found in its :class:`Entry`."""

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        entry: Entry = vars(self)[RECORD]
        package = entry.stand_in.fullname
        if name == "__version__" and entry.shown in (package, f"{package}.version") and entry.stand_in.version:
            return entry.stand_in.version
        if name == "__version__":
            raise AttributeError(
                f"{entry.shown!r} is a stand-in, and the version of the real one is not known. "
                f"Set it: {entry.shown}.__version__ = ..."
            )
        if name == "__all__" and is_from_import(sys._getframe(1)):
            raise entry.origin.refuse("import *", entry.shown, f"{entry.shown}.__all__")
        return entry.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            super().__setattr__(name, value)
        else:
            vars(self)[RECORD].set(name, value)

    def __delattr__(self, name: str) -> None:
        if name.startswith("__"):
            super().__delattr__(name)
        else:
            vars(self)[RECORD].delete(name)

    def __dir__(self) -> list[str]:
        entry: Entry = vars(self)[RECORD]
        known = entry.stand_in.known.names(entry.shown) if entry.stand_in.known else ()
        return sorted({*vars(self), *entry.attributes, *entry.submodules, *known} - {RECORD})


class StandInLoader:
    """Makes the modules of a stand-in."""

    is_stand_in = True

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = StandInModule(spec.name, f"A stand-in for {spec.name}.")
        vars(module)[RECORD] = self.stand_in.entry(spec.name)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to execute."""

    def __repr__(self) -> str:
        return "a stand-in"


class StandInFinder:
    """Finds stand-ins before anybody else finds the real modules."""

    is_stand_in = True

    def __init__(self, *stand_ins: StandIn) -> None:
        self._stand_ins = {stand_in.fullname: stand_in for stand_in in stand_ins}
        self._beginnings = tuple(self._stand_ins)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  # importlib's protocol
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        stand_in = self.covering(fullname)
        if stand_in is None:
            return None
        parent, _, name = fullname.rpartition(".")
        if fullname != stand_in.fullname and stand_in.known and stand_in.known.lacks(parent, name):
            return None
        if is_for_lazy_name(sys._getframe(1)):
            return None  # the stand-in itself knows what has that name
        return ModuleSpec(fullname, StandInLoader(stand_in), is_package=True)  # type: ignore[arg-type]  # a duck

    def covering(self, fullname: str) -> StandIn | None:
        """The stand-in that a module belongs to."""
        if not fullname.startswith(self._beginnings):
            return None  # most modules, and this is asked for every import there is
        return next((self._stand_ins[name] for name in lineage(fullname) if name in self._stand_ins), None)


def is_of_stand_in(value: Any) -> bool:
    """Whether an object is a module or a name of a stand-in, is derived from one, or was given by one."""
    return (
        isinstance(value, StandInModule) or issubclass(type(value), NameType) or issubclass(type(type(value)), NameType)
    )
