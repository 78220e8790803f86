"""
The names of stand-in modules, and what they give.

Nobody can know what a name of an absent module is. So each is a class, which can be called, derived from, subscripted,
put into annotations and given to ``isinstance``; what a call gives is an instance of it. What would need the real
module (a truth, a number, a length) raises :class:`StandInRefused`.
"""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Iterator
from functools import partial
from itertools import count
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from ..facts.names import is_within, lineage
from .answers import METHODS, is_known
from .calls import RECORD, RECORDED, Origin, Record, is_probe, refuse_misspelt
from .decorating import is_decorating, is_function, is_transforming

if TYPE_CHECKING:
    from .module import Entry


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
        __tracebackhide__ = True
        for base in bases:
            if entry := _own_entry(base):
                entry.check_class()
        cls = super().__new__(mcs, name, bases, namespace, **kwargs)
        if not any(_is_abstract_by_metaclass(base) for base in cls.__mro__):
            cls.__abstractmethods__ = frozenset()  # the real base has no such metaclass
        for base in filter(_own_entry, bases):
            for inherited in _asked_of_super(namespace):
                if not hasattr(object, inherited) and not is_probe(inherited) and inherited not in vars(base):
                    type.__setattr__(base, inherited, _Inherited(inherited))
        return cls

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        entry = _own_entry(cls)
        if entry is None:
            return super().__call__(*args, **kwargs)
        entry.check_call(args, kwargs)
        if issubclass(cls, BaseException):
            return entry.call((args, kwargs), lambda _: cls.__new__(cls, *args))
        decorates = not is_transforming(entry.shown) and is_decorating(args, kwargs, sys._getframe(1))
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
        if entry is None:
            return False
        entry.check_class()
        if not isinstance(subclass, NameType):
            return False
        if any(_is_of(entry.origin, base) for base in subclass.__mro__):
            raise entry.refusal(f"isinstance() or issubclass() with {_shown(subclass)}")
        return False

    def __eq__(cls, other: object) -> bool:
        __tracebackhide__ = True
        entry = _own_entry(cls)
        if entry and _may_be_value(cls) and isinstance(other, (int, float, complex)) and not _is_mock(sys._getframe(1)):
            raise entry.refusal("==")  # numpy.pi == 3.14
        return cls is other

    __hash__ = type.__hash__

    def __bool__(cls) -> bool:
        __tracebackhide__ = True
        entry = _own_entry(cls)
        if entry is None or not _may_be_value(cls):
            return True
        if sys._getframe(1).f_globals.get("__name__") == "typing":
            return True  # the bound of a TypeVar
        raise entry.refusal("bool()")

    def __repr__(cls) -> str:
        entry = _own_entry(cls)
        return f"<stand-in {entry.shown}>" if entry else super().__repr__()

    def __str__(cls) -> str:
        entry = _own_entry(cls)
        return entry.shown if entry and _may_be_value(cls) else super().__str__()  # torch.float32


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
        refuse_misspelt(name)
        return record.child(name, give_unknown)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("return_value", "side_effect") and RECORD in vars(self):
            record_of(self).configure(name, value)
        else:
            super().__setattr__(name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        record = record_of(self)
        is_attribute = record.shown[-1:] != ")"
        decorates = is_decorating(args, kwargs, sys._getframe(1)) if is_attribute else is_function(args, kwargs)
        decorates = decorates and not is_transforming(record.shown)
        return record.call((args, kwargs), give_unknown, decorates=decorates)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is swallowed."""

    def __eq__(self, other: object) -> bool:
        __tracebackhide__ = True
        if self is other or not _is_given(self) or _is_mock(sys._getframe(1)):
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
            record_of(instance).child(self._name, give_unknown)
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


def record_of(value: Any) -> Record:
    """The record of an instance; one of a class of the user's has one when it is first asked for."""
    record: Record | None = vars(value).get(RECORD)
    if record is None:
        cls = type(value)
        entry = next(entry for base in cls.__mro__ if (entry := _own_entry(base)))
        record = vars(value)[RECORD] = Record(entry.origin, f"{cls.__qualname__}(...)")
    return record


def _is_mock(frame: FrameType) -> bool:
    """Whether mock compares: calls, and it is about which object it was."""
    return frame.f_globals.get("__name__") == "unittest.mock"


def _may_be_value(cls: type) -> bool:
    """Whether a name may be that of a constant: by what is known of it, or else by the way it is written."""
    entry = _own_entry(cls)
    if entry is None or is_class_name(cls.__name__) or is_known(entry.shown):
        return False
    return entry.stand_in.kind(entry.shown) in ("", "value")


def is_class_name(name: str) -> bool:
    """Whether a name is written like that of a class."""
    return name[:1].isupper() and not name.isupper()


def make_name(entry: Entry, kind: str) -> NameType:
    """The class of a name, with what is known of the real one; an exception where that is one, or is called so."""
    name = entry.shown.rpartition(".")[2]
    module = next((each for each in lineage(entry.shown) if each in sys.modules and each != entry.shown), "")
    module = module if is_within(module, entry.origin.fullname) else entry.origin.fullname
    namespace: dict[str, Any] = {"__module__": module, "__qualname__": entry.shown.removeprefix(f"{module}.")}
    namespace.update(METHODS.get(entry.shown, {}))
    exception = getattr(builtins, kind, None) or _exception_of(name)
    bases = (Name, exception) if isinstance(exception, type) and not kind_is_plain(kind) else (Value,)
    made: NameType = NameType(name, bases, namespace)
    type.__setattr__(made, RECORD, entry)
    return made


def kind_is_plain(kind: str) -> bool:
    """Whether a kind that is known says: no exception."""
    return kind in ("module", "class", "function", "callable", "value")


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
