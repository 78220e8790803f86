"""The calls of stand-in objects: recorded by ``unittest.mock``, answered by what was configured, or refused."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import StandInRefused

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
        name, source = self.origin
        return StandInRefused(name, operation=operation, asked=self.shown, source=source, setting=self.setting)

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
