"""
Stand-in modules with a real ModuleSpec: whatever is asked of them is there, is recorded, and computes nothing.

Nobody can know what a name of an absent module is. So each is a class, which can be called, derived from, subscripted,
put into annotations and given to ``isinstance``; what a call gives is an instance of it. Calls are recorded by
``unittest.mock``. What would need the real module (a truth, a number, a length) raises :class:`StandInRefused`.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import importlib
import linecache
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from importlib.machinery import ModuleSpec
from itertools import count
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..errors import StandInRefused
from ..names import is_within, lineage
from .keeper import is_stand_in

if TYPE_CHECKING:
    from unittest.mock import Mock

MISSING = object()
RECORD = "_stand_in"
"""Where an instance has its :class:`Record`."""

RECORDED = frozenset(
    (
        "assert_any_call assert_called assert_called_once assert_called_once_with assert_called_with assert_has_calls "
        "assert_not_called call_args call_args_list call_count called configure_mock method_calls mock_calls "
        "reset_mock return_value side_effect"
    ).split()
)
"""What ``unittest.mock`` answers."""

# Asked for by pytest, mock, typing and IPython of whatever they meet, to see what it is.
PROBES = ("__", "_pytest", "_mock", "_is_", "_ipython", "_repr_")
PROBED = frozenset("_abc_impl _asdict _fields pytestmark pytest_plugins".split())

# A function that goes in and another one comes out, with other values: to give it back would be a lie.
TRANSFORMING = frozenset("grad grad_and_value hessian jacfwd jacrev jvp linearize pmap value_and_grad vjp vmap".split())

# pytest.approx asks it of a numpy that it finds in sys.modules.
ANSWERS: dict[str, Callable[..., object]] = {
    "numpy.isscalar": lambda value: isinstance(value, (int, float, complex, str, bytes)),
}


Call = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional arguments, and those by keyword."""


class Origin(NamedTuple):
    """Which stand-in something belongs to."""

    fullname: str
    """The outermost module that is stood in for."""
    source: str
    """Who asked for the stand-in, in words that the user knows."""


class Record:
    """The calls of one stand-in object, and what was configured for them."""

    def __init__(self, origin: Origin, shown: str, setting: str = "") -> None:
        """
        Args:
            origin: Which stand-in it belongs to.
            shown: An expression that gives the object, for people.
            setting: One to assign to, in order to have something else in its place; empty where there is none.
        """
        self.origin = origin
        self.shown = shown
        self.setting = setting
        self.children: dict[str, Any] = {}
        self.is_configured = False
        """Whether calls give what was set as the return value, and not something new each time."""
        self._mock: Mock | None = None
        self._last: Any = MISSING

    @property
    def mock(self) -> Mock:
        """Records the calls."""
        if self._mock is None:
            from unittest.mock import Mock

            self._mock = Mock(name=self.shown, side_effect=ANSWERS.get(self.shown))
        return self._mock

    def call(self, call: Call, make: Callable[[Record], Any], *, decorates: bool = False) -> Any:
        """
        Record a call, and give what was configured, or something new that *make* makes of its record.

        A call that decorates gives what it got, so that the decorated function does what it does.
        """
        args, kwargs = call
        if not self.is_configured:
            self._last = self.mock.return_value = make(self._of_call(args, kwargs))
        value = self.mock(*args, **kwargs)
        return args[0] if decorates and value is self._last and not self.is_configured else value

    def child(self, name: str) -> Any:
        """A public attribute of a value that nobody knows: always the same object."""
        setting = self.setting and f"{self.setting}.{name}"
        return self.children.setdefault(name, give_unknown(Record(self.origin, f"{self.shown}.{name}", setting)))

    def recorded(self, name: str, make: Callable[[Record], Any]) -> Any:
        """What ``unittest.mock`` answers. The return value is what the last call gave, and all later ones give."""
        if name == "return_value" and not self.is_configured:
            if self._last is MISSING:
                self._last = make(self._of_call((), {}))
            self.configure(name, self._last)
        return getattr(self.mock, name)

    def configure(self, name: str, value: Any) -> None:
        """Set ``return_value`` or ``side_effect``."""
        self.is_configured = self.is_configured or name == "return_value"
        setattr(self.mock, name, value)

    def refusal(self, operation: str) -> StandInRefused:
        """The error: *operation* was asked, and there is no answer."""
        name, source = self.origin
        return StandInRefused(name, operation=operation, asked=self.shown, source=source, setting=self.setting)

    def _of_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Record:
        shown = f"{self.shown}({'...' if args or kwargs else ''})"
        return Record(self.origin, shown, self.setting and f"{self.setting}.return_value")

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies, in other processes too, begin with no calls: a mock can't be pickled.
        return type(self), (self.origin, self.shown, self.setting)


class Entry(Record):
    """What there is under one dotted name of a stand-in."""

    def __init__(self, stand_in: StandIn, fullname: str) -> None:
        super().__init__(stand_in.origin, fullname, fullname)
        self.stand_in = stand_in
        self.attributes: dict[str, Any] = {}
        """Set from outside: by users, and by the import system, which attaches submodules."""

    def get(self, name: str) -> Any:
        """
        The attribute, made when it is first asked for.

        Raises:
            AttributeError: Tools ask for it to see what an object is, or the real module is known not to have it.
        """
        __tracebackhide__ = True
        found = self.attributes.get(name, MISSING)
        if found is not MISSING:
            return found
        if name in RECORDED:
            return self.recorded(name, give_unknown)
        if is_probe(name):
            raise AttributeError(f"stand-in {self.shown!r} has no attribute {name!r}")
        if not self.shown.endswith(".testing"):  # numpy.testing.assert_allclose
            _refuse_misspelt(name)
        self.stand_in.check(self.shown, name)
        return self.stand_in.get(f"{self.shown}.{name}")

    def set(self, name: str, value: Any) -> None:
        """Set an attribute, or what calls give."""
        if name in ("return_value", "side_effect"):
            self.configure(name, value)
        else:
            self.attributes[name] = value

    def delete(self, name: str) -> None:
        """Take away what was set."""
        if name not in self.attributes:
            raise AttributeError(f"nobody has set {name!r} of the stand-in {self.shown!r}")
        del self.attributes[name]

    def state(self) -> Configured:
        """What was configured, for :meth:`begin`."""
        return_value = self.mock.return_value if self.is_configured else MISSING
        side_effect = self._mock.side_effect if self._mock else ANSWERS.get(self.shown)
        return Configured(dict(self.attributes), return_value, side_effect)

    def begin(self, state: Configured | None) -> None:
        """Forget all calls, and go back to what was configured."""
        submodules = {name: value for name, value in self.attributes.items() if isinstance(value, StandInModule)}
        self.attributes = submodules | (state.attributes if state else {})
        self._mock, self._last, self.is_configured = None, MISSING, False
        if state and state.side_effect is not ANSWERS.get(self.shown):
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

    def __init__(self, fullname: str, source: str, known: Surface | None = None) -> None:
        """
        Args:
            fullname: The module that it stands in for.
            source: Who asked for it, in words that the user knows.
            known: What the real one is known to have; ``None`` where nobody has ever seen it.
        """
        self.origin = Origin(fullname, source)
        self.fullname = fullname
        self.known = known
        self.version: str | None = None
        """What ``__version__`` says; ``None`` where nobody knows."""
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
                self._names[fullname] = _make_name(self.entry(fullname), self.kind(fullname))
            return self._names[fullname]

    def kind(self, fullname: str) -> str:
        """What the real one is known to be; empty where it isn't."""
        module, _, name = fullname.rpartition(".")
        return self.known.kind(module, name) if self.known else ""

    def check(self, module: str, name: str) -> None:
        """Raise an AttributeError for a name that the real module is known not to have."""
        __tracebackhide__ = True
        if self.known and self.known.lacks(module, name):
            near = difflib.get_close_matches(name, self.known.names(module))
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            of = f"{self.fullname} {self.known.version}".rstrip()
            raise AttributeError(f"the real module {module!r} has no attribute {name!r} ({of}).{hint}")

    @contextmanager
    def beginning_anew(self) -> Iterator[None]:
        """Inside no call was recorded before; what is configured inside is forgotten after it."""
        before = {entry: entry.state() for entry in list(self._entries.values())}
        for entry, state in before.items():
            entry.begin(state)
        try:
            yield
        finally:
            for entry in list(self._entries.values()):
                entry.begin(before.get(entry))


class Surface(Protocol):
    """What is known of a real module; see ``surface.py``."""

    version: str

    def kind(self, module: str, name: str) -> str:
        """``"module"``, ``"class"``, ``"function"``, ``"value"``, the name of a builtin exception, or nothing."""

    def names(self, module: str) -> Sequence[str]:
        """The names that the module has."""

    def lacks(self, module: str, name: str) -> bool:
        """Whether the module is known, and known not to have the name."""


def _own_entry(cls: type) -> Entry | None:
    """The entry of a name; ``None`` for classes that are derived from one."""
    entry: Entry | None = type.__getattribute__(cls, "__dict__").get(RECORD)
    return entry


def _is_abstract_by_metaclass(cls: type) -> bool:
    return not isinstance(cls, NameType) and hasattr(type(cls), "register")


def _asked_of_super(namespace: dict[str, Any]) -> set[str]:
    """The names that methods may ask ``super()`` for: all that those use which have a class cell."""
    names: set[str] = set()
    for value in namespace.values():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        code = getattr(function, "__code__", None)
        if isinstance(code, types.CodeType) and "__class__" in code.co_freevars:
            names.update(code.co_names)
    return names


class NameType(type(Protocol)):  # type: ignore[misc]  # typing's metaclass, so that classes may derive from protocols, ABCs and ours
    """
    The class of every name of a stand-in, and of the classes that users derive from them.

    What is asked of a name itself goes to its :class:`Entry`; a derived class is a class like any other, that finds
    more attributes.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> Any:
        cls = super().__new__(mcs, name, bases, namespace, **kwargs)
        if not any(_is_abstract_by_metaclass(base) for base in cls.__mro__):
            cls.__abstractmethods__ = frozenset()  # the real base has no such metaclass
        for base in filter(_own_entry, bases):
            for inherited in _asked_of_super(namespace):
                if not hasattr(object, inherited) and not is_probe(inherited) and inherited not in vars(base):
                    type.__setattr__(base, inherited, _Inherited(inherited))
        return cls

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        entry = _own_entry(cls)
        if entry is None:
            return super().__call__(*args, **kwargs)
        if issubclass(cls, BaseException):
            return entry.call((args, kwargs), lambda _: cls.__new__(cls, *args))
        decorates = cls.__name__ not in TRANSFORMING and _is_decorating(args, kwargs, sys._getframe(1))
        return entry.call((args, kwargs), partial(give, cls), decorates=decorates)

    def __getattr__(cls, name: str) -> Any:
        __tracebackhide__ = True
        entry = _own_entry(cls)
        if entry:
            return entry.get(name)
        for base in cls.__mro__:
            if (entry := _own_entry(base)) and name[:1] != "_":
                return entry.get(name)
        raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")

    def __setattr__(cls, name: str, value: Any) -> None:
        entry = _own_entry(cls)
        if entry is None or is_probe(name):
            super().__setattr__(name, value)
        else:
            entry.set(name, value)

    def __delattr__(cls, name: str) -> None:
        entry = _own_entry(cls)
        if entry is None or is_probe(name):
            super().__delattr__(name)
        else:
            entry.delete(name)

    def __instancecheck__(cls, instance: Any) -> bool:
        __tracebackhide__ = True
        return cls.__subclasscheck__(type(instance))

    def __subclasscheck__(cls, subclass: type) -> bool:
        __tracebackhide__ = True
        if super().__subclasscheck__(subclass):
            return True
        entry = _own_entry(cls)
        if entry is None or not isinstance(subclass, NameType):
            return False
        if any(_is_of(entry.origin, base) for base in subclass.__mro__):
            raise entry.refusal(f"isinstance() or issubclass() with {_shown(subclass)}")
        return False

    def __bool__(cls) -> bool:
        __tracebackhide__ = True
        entry = _own_entry(cls)
        if entry is None or is_class_name(cls.__name__) or entry.stand_in.kind(entry.shown) not in ("", "value"):
            return True
        raise entry.refusal("bool()")

    def __repr__(cls) -> str:
        entry = _own_entry(cls)
        return f"<stand-in {entry.shown}>" if entry else super().__repr__()


class Name(metaclass=NameType):
    """The base of every name of a stand-in."""

    _is_protocol = False  # asked by typing

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        new = super().__new__
        return new(cls) if new is object.__new__ else new(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__()

    def __class_getitem__(cls, parameters: Any) -> Any:
        __tracebackhide__ = True
        entry = _own_entry(cls)
        for parameter in parameters if isinstance(parameters, tuple) else (parameters,):
            if entry and isinstance(parameter, (slice, int, float)):
                raise entry.refusal("[]")
        return types.GenericAlias(cls, parameters)


def give(cls: Any, record: Record) -> Any:
    """An instance of a name, with its record, as a call gives it."""
    given = cls.__new__(cls)
    vars(given)[RECORD] = record
    return given


class Value(Name):
    """The base of names that are no exceptions: their instances refuse to compute."""

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        record = record_of(self)
        if name in RECORDED:
            return record.recorded(name, give_unknown)
        # A property of the user's that has failed is no attribute of the real base.
        if (
            name[:1] == "_"
            or is_probe(name)
            or any(name in vars(cls) for cls in type(self).__mro__ if not _own_entry(cls))
        ):
            raise AttributeError(f"{record.shown} has no attribute {name!r}")
        _refuse_misspelt(name)
        return record.child(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("return_value", "side_effect") and RECORD in vars(self):
            record_of(self).configure(name, value)
        else:
            super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        record = record_of(self)
        is_attribute = record.shown[-1:] != ")"
        decorates = _is_decorating(args, kwargs, sys._getframe(1)) if is_attribute else _is_function(args, kwargs)
        name = record.shown.rpartition("(")[0].rpartition(".")[2]
        return record.call((args, kwargs), give_unknown, decorates=decorates and name not in TRANSFORMING)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is swallowed."""

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        # A comparison by mock, of calls, is about which object it was.
        if self is other or not _is_given(self) or sys._getframe(1).f_globals.get("__name__") == "unittest.mock":
            return self is other
        raise record_of(self).refusal("==")

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        __tracebackhide__ = True
        if _is_defined(self, "__len__"):
            return len(self) != 0
        raise record_of(self).refusal("bool()")

    def __iter__(self) -> Iterator[Any]:
        __tracebackhide__ = True
        if _is_defined(self, "__getitem__"):
            return _items(self)
        raise record_of(self).refusal("iteration")

    def __format__(self, spec: str) -> str:
        __tracebackhide__ = True
        if spec:
            raise record_of(self).refusal(f"format {spec!r}")
        return str(self)

    def __repr__(self) -> str:
        return f"<{record_of(self).shown} of a stand-in>" if _is_given(self) else object.__repr__(self)


class Unknown(Value):
    """What a call gave, or an attribute of that, where not even its class has a name."""


give_unknown = partial(give, Unknown)


class _Inherited:
    """Lets ``super().name`` find what is there only when it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        return (
            record_of(instance).child(self._name)
            if instance is not None
            else type(owner).__getattr__(owner, self._name)
        )


_BINARY = dict(
    zip(
        "+ - * / // % ** @ << >> & ^ | divmod()".split(),
        "add sub mul truediv floordiv mod pow matmul lshift rshift and xor or divmod".split(),
    )
)
REFUSED = (
    ("len()", "__len__"),
    ("[]", "__getitem__ __setitem__ __delitem__"),
    ("next()", "__next__"),
    ("int()", "__int__ __index__"),
    ("float()", "__float__"),
    ("complex()", "__complex__"),
    ("bytes()", "__bytes__"),
    ("round()", "__round__ __trunc__ __floor__ __ceil__"),
    ("abs()", "__abs__"),
    ("an array of it", "__array__"),
    *((symbol, f"__{name}__ __r{name}__ __i{name}__") for symbol, name in _BINARY.items()),
    *zip("< <= > >= - + ~".split(), "__lt__ __le__ __gt__ __ge__ __neg__ __pos__ __invert__".split()),
)
"""What is refused, as people write it, and the methods that would have to answer."""
_NOT_OF_NAMES = frozenset("__getitem__ __or__ __ror__ __ior__ __array__".split())
"""``Dataset[int]`` and ``Tensor | None`` are annotations."""
_REFLECTED = {"__lt__": "__gt__", "__gt__": "__lt__", "__le__": "__ge__", "__ge__": "__le__"}


def _refuse() -> None:
    """Give the refusing methods to names and values."""
    for operation, methods in REFUSED:
        for method in methods.split():
            setattr(Value, method, _refusing_value(operation, method))
            if method not in _NOT_OF_NAMES:
                type.__setattr__(NameType, method, _refusing_name(operation, method))
    type.__setattr__(NameType, "__iter__", _refusing_name("iteration", "__iter__"))


def _refusing_value(operation: str, method: str) -> Any:
    def refuse(self: Any, *others: Any) -> Any:
        __tracebackhide__ = True
        if not _is_given(self) and any(_is_defined(each, _REFLECTED.get(method, method)) for each in (self, *others)):
            return NotImplemented
        if method == "__len__" and any(_is_defined(self, each) for each in ("__iter__", "__getitem__")):
            raise TypeError(
                f"object of type {type(self).__name__!r} has no len()"
            )  # asked by list(), which swallows it
        raise record_of(self).refusal(operation)

    refuse.__name__ = refuse.__qualname__ = method
    return refuse


def _refusing_name(operation: str, method: str) -> Any:
    def refuse(cls: Any, *_: Any) -> Any:
        __tracebackhide__ = True
        entry = _own_entry(cls)
        if entry is None:
            raise TypeError(f"{operation} is not supported by the class {cls.__name__!r}")
        raise entry.refusal(operation)

    refuse.__name__ = refuse.__qualname__ = method
    return refuse


_refuse()


class StandInModule(ModuleType):
    """A module of a stand-in. All its names are found in its :class:`Entry`."""

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        entry: Entry = vars(self)[RECORD]
        if name == "__version__" and entry.stand_in.version and entry.shown == entry.stand_in.fullname:
            return entry.stand_in.version
        if name == "__version__":
            raise AttributeError(
                f"{entry.shown!r} is a stand-in, and the version of the real one is not known. "
                f"Set it: {entry.shown}.__version__ = ..."
            )
        if name == "__all__" and sys._getframe(1).f_code.co_name == "_handle_fromlist":
            name, source = entry.origin
            setting = f"{entry.shown}.__all__"
            raise StandInRefused(name, operation="import *", asked=entry.shown, source=source, setting=setting)
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
        return sorted({*vars(self), *entry.attributes, *known} - {RECORD})


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
        self.stand_ins = {stand_in.fullname: stand_in for stand_in in stand_ins}

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
        return ModuleSpec(fullname, StandInLoader(stand_in), is_package=True)  # type: ignore[arg-type]  # a duck

    def covering(self, fullname: str) -> StandIn | None:
        """The stand-in that a module belongs to."""
        return next((self.stand_ins[name] for name in lineage(fullname) if name in self.stand_ins), None)


def is_of_stand_in(value: Any) -> bool:
    """Whether an object is a module or a name of a stand-in, is derived from one, or was given by one."""
    return (
        isinstance(value, StandInModule) or issubclass(type(value), NameType) or issubclass(type(type(value)), NameType)
    )


def record_of(value: Any) -> Record:
    """The record of an instance; one of a class of the user's has one when it is first asked for."""
    record: Record | None = vars(value).get(RECORD)
    if record is None:
        cls = type(value)
        entry = next(entry for base in cls.__mro__ if (entry := _own_entry(base)))
        record = vars(value)[RECORD] = Record(entry.origin, f"{cls.__qualname__}(...)")
    return record


def is_probe(name: str) -> bool:
    """Whether tools ask objects for a name, to see what they are."""
    return name.startswith(PROBES) or name in PROBED


def is_class_name(name: str) -> bool:
    """Whether a name is written like that of a class."""
    return name[:1].isupper() and not name.isupper()


def _make_name(entry: Entry, kind: str) -> NameType:
    name = entry.shown.rpartition(".")[2]
    module = next((each for each in lineage(entry.shown) if each in sys.modules and each != entry.shown), "")
    module = module if is_within(module, entry.origin.fullname) else entry.origin.fullname
    namespace = {"__module__": module, "__qualname__": entry.shown.removeprefix(f"{module}.")}
    exception = getattr(builtins, kind, None) or _exception_of(name)
    bases = (Name, exception) if isinstance(exception, type) and not kind_is_plain(kind) else (Value,)
    made: NameType = NameType(name, bases, namespace)
    type.__setattr__(made, RECORD, entry)
    return made


def kind_is_plain(kind: str) -> bool:
    """Whether a kind that is known says: no exception."""
    return kind in ("module", "class", "function", "value")


def _exception_of(name: str) -> type[Exception] | None:
    if is_class_name(name):
        if name.endswith("Warning"):
            return Warning
        if name.endswith(("Error", "Exception")):
            return Exception
    return None


def _is_given(value: Any) -> bool:
    """Whether a stand-in has made the instance, not a class of the user's."""
    cls = type(value)
    return cls is Unknown or _own_entry(cls) is not None


def _is_of(origin: Origin, base: type) -> bool:
    entry = _own_entry(base)
    return base is Unknown or (entry is not None and entry.origin == origin)


def _shown(cls: type) -> str:
    return "an unknown value" if cls is Unknown else f"{cls.__module__}.{cls.__qualname__}"


def _is_defined(value: Any, method: str) -> bool:
    """Whether a class of the user's defines a method."""
    found = getattr(type(value), method, None)
    return isinstance(type(value), NameType) and found is not getattr(Value, method, None)


def _items(sequence: Any) -> Iterator[Any]:
    """Iterate over what has ``__getitem__`` alone, as Python does."""
    for index in count():
        try:
            item = sequence[index]
        except IndexError:
            return
        yield item


def _is_function(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) == 1 and not kwargs and isinstance(args[0], (types.FunctionType, types.MethodType, type))


def _is_decorating(args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType) -> bool:
    """Whether a call is that of a decorator: on a line where one is written, or, with no source, by its argument."""
    if len(args) != 1 or kwargs or not (callable(args[0]) or hasattr(args[0], "__func__")):
        return False
    lines = _decorator_lines(frame.f_code.co_filename)
    return _is_function(args, kwargs) if lines is None else frame.f_lineno in lines


@lru_cache(maxsize=256)
def _decorator_lines(file: str) -> frozenset[int] | None:
    """The lines of a file where decorators are written; ``None`` where there is no source."""
    try:
        tree = ast.parse("" if file[:1] == "<" else "".join(linecache.getlines(file)))
    except SyntaxError:
        return None
    lines: set[int] = set()
    for node in ast.walk(tree):
        for each in getattr(node, "decorator_list", ()):
            lines.update(range(each.lineno, each.end_lineno + 1))
            lines.add(node.lineno)  # type: ignore[attr-defined]  # a definition; Python 3.10 takes its line for the call's
    return frozenset(lines) if tree.body else None


def _refuse_misspelt(name: str) -> None:
    """A misspelt assertion must not pass."""
    if name.startswith(("ass", "called", "asert")):
        near = difflib.get_close_matches(name, RECORDED, n=1, cutoff=0.8)
        if near:
            raise AttributeError(f"{name!r} is no assertion of a stand-in. Did you mean {near[0]!r}?")
