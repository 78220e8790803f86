"""
What the import of a package does to others: found by comparing, undone in the warm process, done again in a run.

Compared are the attributes of modules of the standard library and of pytest, those of their classes, what is in their
lists and dictionaries, the filters for warnings, the environment, and what the process has but one of.
"""

from __future__ import annotations

import codecs
import gc
import locale
import os
import resource
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from ..process.environment import current_umask, set_variable

MISSING: Any = object()
"""In the place of a value: there was no such attribute."""
MOST_IN_A_CONTAINER = 5000
SIGNALS = sorted(signal.valid_signals())
NOISE = {
    *(("sys", name) for name in ("modules", "path_importer_cache", "path", "meta_path", "path_hooks", "last_exc")),
    *(("os", name) for name in ("supports_follow_symlinks", "supports_dir_fd", "supports_effective_ids")),
    *(("os", name) for name in ("environ", "environb")),
    *(("warnings", name) for name in ("filters", "onceregistry", "_onceregistry", "_filters_version", "_filters")),
    *(("warnings", name) for name in ("showwarning", "_showwarnmsg_impl", "_showwarnmsg")),
    *(("re", name) for name in ("_cache", "_cache2", "_cache_repl")),
    *(("importlib._bootstrap", name) for name in ("_module_locks", "_blocking_on")),
    *(("_frozen_importlib", name) for name in ("_module_locks", "_blocking_on")),
    ("linecache", "cache"),
    ("typing", "_cleanups"),
    ("threading", "_active"),
    ("threading", "_limbo"),
    ("threading", "_dangling"),
    ("gc", "garbage"),
    ("ctypes", "_c_functype_cache"),
    ("ctypes", "_win_functype_cache"),
    ("_ctypes", "_pointer_type_cache"),
    ("ctypes", "_pointer_type_cache"),
    ("enum", "Flag"),
    ("logging", "_handlerList"),
    ("functools", "singledispatch"),
    ("zipimport", "_zip_directory_cache"),
    ("encodings", "_cache"),
}
"""Caches, and what is compared in another way."""


NO_MATTER = {"__warningregistry__", "__builtins__", "__spec__", "__loader__", "__annotations__"}
"""Attributes of modules that are no doing of an import."""


class Effect:
    """Something that an import has done, and that can be undone and done again."""

    def undo(self) -> None:
        """As before the import."""
        raise NotImplementedError

    def redo(self) -> bool:
        """As after it; whether that is what the import would have done here."""
        raise NotImplementedError


class Set(Effect):
    """An attribute of a module or a class has another value."""

    def __init__(self, owner: Any, name: str, before: Any, after: Any) -> None:
        self.owner = owner
        self.name = name
        self.before = before
        self.after = after

    def __str__(self) -> str:
        return f"{self.owner.__name__}.{self.name}"

    def undo(self) -> None:  # noqa: D102  # see Effect
        _put(self.owner, self.name, self.before)

    def redo(self) -> bool:  # noqa: D102
        now = vars(self.owner).get(self.name, MISSING)
        if now is self.before:
            _put(self.owner, self.name, self.after)
        # A cache that the run has filled itself does as well; what stands in the place of a function doesn't.
        return now is self.before or now is self.after or not callable(self.after)


class Filled(Effect):
    """A list, dictionary or set of a module has other contents."""

    def __init__(self, container: Any, before: Any, after: Any) -> None:
        self.container = container
        self.before = before
        self.after = after

    def __str__(self) -> str:
        return f"the contents of a {type(self.container).__name__} {str(self.before)[:60]} {str(self.after)[:60]}"

    def undo(self) -> None:  # noqa: D102  # see Effect
        _fill(self.container, self.before)

    def redo(self) -> bool:  # noqa: D102
        if isinstance(self.container, dict):
            for name, value in self.after.items():
                if self.before.get(name, MISSING) is not value:
                    self.container[name] = value
            for name in self.before.keys() - self.after.keys():
                self.container.pop(name, None)
        elif isinstance(self.container, set):
            self.container |= self.after - self.before
            self.container -= self.before - self.after
        elif _is_same(self.container, self.before):
            _fill(self.container, self.after)
        elif _is_same(self.after[: len(self.before)], self.before):
            self.container += [each for each in self.after[len(self.before) :] if each not in self.container]
        else:
            return _is_same(self.container, self.after)
        return True


class Filtered(Effect):
    """Filters for warnings were put in front of those that were there, or behind."""

    def __init__(self, front: list[Any], back: list[Any]) -> None:
        self.front = front
        self.back = back

    def undo(self) -> None:  # noqa: D102  # see Effect
        for each in (*self.front, *self.back):
            with suppress(ValueError):
                warnings.filters.remove(each)  # type: ignore[attr-defined]  # typeshed has it as a sequence
        _renew_filters()

    def redo(self) -> bool:  # noqa: D102
        filters: Any = warnings.filters
        for each in reversed(self.front):
            while each in filters:
                filters.remove(each)
            filters.insert(0, each)
        filters.extend(each for each in self.back if each not in filters)
        _renew_filters()
        return True


class Added(Effect):
    """A finder or a hook was put into ``sys.meta_path`` or ``sys.path_hooks``."""

    def __init__(self, everyone: list[Any], one: Any, *, is_first: bool) -> None:
        self._everyone = everyone
        self.one = one
        self._is_first = is_first

    def undo(self) -> None:  # noqa: D102
        if self.one in self._everyone:
            self._everyone.remove(self.one)

    def redo(self) -> bool:  # noqa: D102
        self._everyone.insert(0 if self._is_first else len(self._everyone), self.one)
        return True


class Environment(Effect):
    """A variable was set or deleted."""

    def __init__(self, name: str, before: str | None, after: str | None) -> None:
        self.name = name
        self.before = before
        self.after = after

    def undo(self) -> None:  # noqa: D102  # see Effect
        set_variable(self.name, self.before)

    def redo(self) -> bool:  # noqa: D102
        set_variable(self.name, self.after)
        return True


class Called(Effect):
    """A function was registered."""

    def __init__(
        self, register: Callable[..., Any], arguments: tuple[Any, ...], more: dict[str, Any], undo: Callable[..., Any]
    ) -> None:
        self._register = register
        self._arguments = arguments
        self._more = more
        self._undo = undo

    def undo(self) -> None:  # noqa: D102  # see Effect
        self._undo(self._arguments[0])

    def redo(self) -> bool:  # noqa: D102
        self._register(*self._arguments, **self._more)
        return True


class World:
    """What imports may have changed, as it was when it was last compared."""

    def __init__(self) -> None:
        self.exempt: set[tuple[str, str]] = set(NOISE)
        """Names of a module or class, with that of an attribute: it is not compared."""
        # By the identity of each: its contents, as they were when it was last compared, it, and for a module, if deep.
        self._modules: dict[int, tuple[dict[str, Any], dict[str, Any], Any, bool]] = {}
        self._classes: dict[int, tuple[Mapping[str, Any], dict[str, Any], Any]] = {}
        self._containers: dict[int, tuple[Any, Any]] = {}
        self._filters: list[Any] = []
        self._variables: dict[str, str] = {}
        self.trouble = ""
        """What an import has done that can't be undone."""
        self._finders: list[tuple[list[Any], list[Any]]] = []
        self.looks_for_trouble_only = False
        """Where imports are tried: what can be undone is no matter, and a look at all modules takes 3 ms."""

    def add(self, module: Any, *, deep: bool = True) -> None:
        """
        A module that is there from now on.

        Args:
            module: It.
            deep: Whether its classes and containers are compared too; else attributes that are no modules.
        """
        namespace = getattr(module, "__dict__", None)
        if type(namespace) is not dict or id(module) in self._modules:
            return
        self._modules[id(module)] = (namespace, namespace.copy(), module, deep)
        if deep:
            for name, value in namespace.items():
                self._add_value(namespace.get("__name__", ""), name, value)

    def _add_value(self, owner: str, name: str, value: Any) -> None:
        if (owner, name) in self.exempt:
            return
        if isinstance(value, type):
            if id(value) not in self._classes:
                self._classes[id(value)] = (vars(value), dict(vars(value)), value)
        elif type(value) in (dict, list, set) and len(value) <= MOST_IN_A_CONTAINER and name != "__builtins__":
            self._containers.setdefault(id(value), (value, value.copy()))

    def begin(self) -> None:
        """Compare with what is now."""
        self.begin_process()
        self.effects()

    def begin_process(self) -> None:
        """As :meth:`begin` where nothing was imported meanwhile: modules and classes are what they were."""
        self._filters = list(warnings.filters)
        self._variables = variables()
        self._finders = [(everyone, everyone.copy()) for everyone in (sys.meta_path, sys.path_hooks)]

    def effects(self) -> list[Effect]:
        """What has changed since it was last asked."""
        if self.looks_for_trouble_only:
            return [*self._of_process()]
        return [*self._of_modules(), *self._of_classes(), *self._of_containers(), *self._of_process()]

    def _of_modules(self) -> Iterator[Effect]:
        for key, (now, before, module, deep) in _different(self._modules):
            owner = before.get("__name__", "")
            for name in {**before, **now}:
                old, new = before.get(name, MISSING), now.get(name, MISSING)
                if old is new:
                    continue
                if deep:
                    self._add_value(owner, name, new)
                is_module = type(new) is type(sys) and (old is MISSING or not deep)
                is_of_matter = not is_module and name not in NO_MATTER and (owner, name) not in self.exempt
                # A name of a third package that a part of it sets late is its own.
                if is_of_matter and (deep or (old is not MISSING and not _is_own(new, owner))):
                    yield Set(module, name, old, new)
            self._modules[key] = (now, now.copy(), module, deep)

    def _of_classes(self) -> Iterator[Effect]:
        for key, (now, before, owner) in _different(self._classes):
            for name in {**before, **now}:
                old, new = before.get(name, MISSING), now.get(name, MISSING)
                if old is not new and (owner.__name__, name) not in self.exempt and not name.startswith("__abstract"):
                    yield Set(owner, name, old, new)
            self._classes[key] = (now, dict(now), owner)

    def _of_containers(self) -> Iterator[Effect]:
        for key, (container, before) in _different(self._containers):
            now = container.copy()
            yield Filled(container, before, now)
            self._containers[key] = (container, now)

    def _of_process(self) -> Iterator[Effect]:
        now = list(warnings.filters)
        if not _is_same(now, self._filters):
            count = len(self._filters)
            first = next((i for i in range(len(now) - count + 1) if now[i : i + count] == self._filters), None)
            if first is not None:
                yield Filtered(now[:first], now[first + count :])
            else:
                kept = [each for each in now if each in self._filters]
                yield Filtered([each for each in now if each not in kept], [])
            self._filters = now
        for number, (everyone, before) in enumerate(self._finders):
            if everyone != before:
                if any(one not in everyone for one in before if not is_watching(one)):
                    self.trouble = "takes a finder or a hook away"
                for one in reversed([one for one in everyone if one not in before and not is_watching(one)]):
                    yield Added(everyone, one, is_first=everyone.index(one) < len(everyone) / 2)
                self._finders[number] = (everyone, everyone.copy())
        present = variables()
        if present != self._variables:
            for name in {**self._variables, **present}:
                if self._variables.get(name) != present.get(name):
                    yield Environment(name, self._variables.get(name), present.get(name))
            self._variables = present


def process_facts() -> dict[str, object]:
    """What a process has one of, and can't be given back as it was: by what a change would be in words."""
    root = getattr(sys.modules.get("logging"), "root", None)
    manager = getattr(root, "manager", None)
    decimal, multiprocessing = sys.modules.get("decimal"), sys.modules.get("multiprocessing.context")
    start_method = getattr(getattr(multiprocessing, "_default_context", None), "_actual_context", None)
    csv = sys.modules.get("_csv")
    return {
        "changes the directory": os.getcwd(),
        "sets the umask": current_umask(),
        "handles a signal": [signal.getsignal(number) for number in SIGNALS],
        "blocks a signal": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "sets a timer": signal.getitimer(signal.ITIMER_VIRTUAL) + signal.getitimer(signal.ITIMER_PROF),
        "configures logging": (
            list(getattr(root, "handlers", ())),
            getattr(root, "level", 0),
            list(getattr(root, "filters", ())),
            getattr(manager, "disable", 0),
        ),
        "replaces a standard stream": (sys.stdin, sys.stdout, sys.stderr),
        "sets the locale": locale.setlocale(locale.LC_ALL),
        "sets the recursion limit": sys.getrecursionlimit(),
        "sets the switch interval": sys.getswitchinterval(),
        "configures the garbage collector": (gc.get_threshold(), gc.get_debug(), list(gc.callbacks)),
        "sets the time limit of sockets": socket.getdefaulttimeout(),
        "sets the start method of multiprocessing": start_method,
        "sets the context of decimal": repr(decimal.getcontext()) if decimal else None,
        "traces the process": (sys.gettrace(), sys.getprofile()),
        "sets the size of threads' stacks": threading.stack_size(),
        "sets hooks of asynchronous generators": tuple(sys.get_asyncgen_hooks()),
        "sets a resource limit": [
            resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")
        ],
        "sets the process's priority": os.nice(0),
        "registers a dialect of csv": sorted(csv.list_dialects()) if csv else [],
        "sets an error handler of codecs": _error_handlers(),
    }


def is_watching(finder: object) -> bool:
    """Whether it is the one of ``watching.py``, which is there while something is imported."""
    return type(finder).__name__ == "_Last"


def variables() -> dict[str, str]:
    """The environment, and nobody notes that it was read."""
    return dict(_decoded(tuple(os.environ._data.items())))  # type: ignore[attr-defined]  # no public name


@lru_cache(maxsize=2)
def _decoded(pairs: tuple[tuple[bytes, bytes], ...]) -> Mapping[str, str]:
    """They are asked for five times an import, and seldom change."""
    return {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}


def _error_handlers() -> list[object]:
    return [codecs.lookup_error(name) for name in ("strict", "ignore", "replace", "surrogateescape")]


def _is_own(value: Any, owner: str) -> bool:
    module = getattr(value, "__module__", None)
    return not callable(value) or (isinstance(module, str) and module.partition(".")[0] == owner.partition(".")[0])


def _different(pairs: dict[int, Any]) -> list[tuple[int, Any]]:
    """Those whose first and second part are not the same; thousands are asked after each import."""
    try:
        unequal = [(key, pair) for key, pair in pairs.items() if pair[0] != pair[1]]
    except Exception:  # what somebody has put there may not like to be compared
        unequal = list(pairs.items())
    return [(key, pair) for key, pair in unequal if not _is_same(pair[0], pair[1])]


def _is_same(one: Any, other: Any) -> bool:
    """The same things in the same places; equal ones are compared by a look at each."""
    if len(one) != len(other):
        return False
    try:
        with suppress(Exception):  # in C; what somebody has put there may not like to be compared
            if one == other:
                return True
        if isinstance(one, Mapping):
            return all(other.get(name, MISSING) is value for name, value in one.items())
        if isinstance(one, set):
            return bool(one == other)
        return all(mine is its for mine, its in zip(one, other))
    except RuntimeError:  # another thread changes it
        return False


def _put(owner: Any, name: str, value: Any) -> None:
    with suppress(AttributeError, TypeError):
        if value is MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, value)


def _fill(container: Any, contents: Any) -> None:
    container.clear()
    container.extend(contents) if isinstance(container, list) else container.update(contents)


def _renew_filters() -> None:
    """Have ``warnings`` see that its filters have changed: who enters and leaves this, says so."""
    with warnings.catch_warnings():
        pass
