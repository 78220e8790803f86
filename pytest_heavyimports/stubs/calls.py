"""The calls of stand-in objects: recorded by ``unittest.mock``, answered by what was configured, or refused."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .decorating import decorated

if TYPE_CHECKING:
    from unittest.mock import Mock

    from ..errors import StandInRefused

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

Call = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional arguments, and those by keyword."""


class Origin:
    """Which stand-in something belongs to."""

    def __init__(
        self, fullname: str, source: str, on_refused: Callable[[StandInRefused], None] = lambda _: None
    ) -> None:
        """
        Args:
            fullname: The outermost module that is stood in for.
            source: Who asked for the stand-in, in words that the user knows.
            on_refused: Told each refusal, so that somebody may ask what became of it.
        """
        self.fullname = fullname
        self.source = source
        self.on_refused = on_refused

    def refuse(self, operation: str, asked: str, setting: str) -> StandInRefused:
        """The error: *operation* was asked of *asked*, and there is no answer."""
        from ..errors import StandInRefused  # here, since nothing is refused in most runs

        refusal = StandInRefused(self.fullname, operation=operation, asked=asked, source=self.source, setting=setting)
        self.on_refused(refusal)
        return refusal

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin) and (self.fullname, self.source) == (other.fullname, other.source)

    __hash__ = None  # type: ignore[assignment]  # compared alone

    def __reduce__(self) -> tuple[Any, ...]:
        return _origin, (self.fullname, self.source)


def _origin(fullname: str, source: str) -> Origin:
    """That of the stand-in which is there, so that refusals of copies are heard of as well."""
    record = getattr(sys.modules.get(fullname), "__dict__", {}).get(RECORD)
    new = Origin(fullname, source)
    return record.origin if record and record.origin == new else new


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
            from unittest.mock import Mock  # takes as long as all else here, and few tests ask what was called

            self._mock = Mock(name=self.shown)
        return self._mock

    @property
    def has_answer(self) -> bool:
        """Whether somebody has said what calls give, or do."""
        return self.is_configured or bool(self._mock and self._mock.side_effect)

    def call(self, call: Call, make: Callable[[Record], Any], *, decorates: bool = False) -> Any:
        """
        Record a call, and give what was configured, or something new that *make* makes of its record.

        A call that decorates gives what it got, so that the decorated function does what it does.
        """
        __tracebackhide__ = True
        args, kwargs = call
        if self._is_assertion():
            raise self.refusal("an assertion")
        if not self.has_answer:
            answer = self.answer(args, kwargs)
            self._last = self.mock.return_value = make(self._of_call(args, kwargs)) if answer is MISSING else answer
        value = self.mock(*args, **kwargs)
        is_new = value is self._last and not self.is_configured
        return decorated(args[0], value, self.shown) if decorates and is_new else value

    def answer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ARG002  # of what has a name
        """What a call gives that needs no computing; ``MISSING`` where nobody knows."""
        return MISSING

    def child(self, name: str, make: Callable[[Record], Any]) -> Any:
        """A public attribute of a value that nobody knows, made of its record: always the same object."""
        setting = self.setting and f"{self.setting}.{name}"
        return self.children.setdefault(name, make(Record(self.origin, f"{self.shown}.{name}", setting)))

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
        return self.origin.refuse(operation, self.shown, self.setting)

    def _is_assertion(self) -> bool:
        """Whether to call it is to assert something: ``numpy.testing.assert_allclose``; nobody has configured it."""
        name = self.shown.rpartition(".")[2]
        return name.startswith("assert") and not self.has_answer

    def _of_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Record:
        shown = f"{self.shown}({'...' if args or kwargs else ''})"
        return Record(self.origin, shown, self.setting and f"{self.setting}.return_value")

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies, in other processes too, begin with no calls: a mock can't be pickled.
        return type(self), (self.origin, self.shown, self.setting)


def is_probe(name: str) -> bool:
    """Whether tools ask objects for a name, to see what they are."""
    return name.startswith(PROBES) or name in PROBED


def refuse_misspelt(name: str) -> None:
    """A misspelt assertion must not pass."""
    if name.startswith(("ass", "called", "asert")):
        near = difflib.get_close_matches(name, RECORDED, n=1, cutoff=0.8)
        if near:
            raise AttributeError(f"{name!r} is no assertion of a stand-in. Did you mean {near[0]!r}?")
