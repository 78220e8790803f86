"""What every judge answers alike: of a module whose first import failed half-way, and of what a module brings in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import HalfImported, add_note
from ..facts.distributions import is_installed
from ..facts.names import root
from .modules import declared_spec

if TYPE_CHECKING:
    from .keeper import Half


def raise_half(fullname: str, half: Half) -> NoReturn:
    """Raise the first error of a module whose first import failed half-way, with its place."""
    __tracebackhide__ = True
    if not isinstance(half.error, Exception):  # pytest-timeout's failure, Ctrl-C: no error of the module's
        raise HalfImported(fullname, first=str(half.place), error=repr(half.error))
    if not half.is_elsewhere:  # or who has only read it would be named
        add_note(
            half.error,
            f"{fullname!r} failed half-way while it was first imported: {half.place}. It can't be done again.",
        )
    raise half.error.with_traceback(half.traceback)


def comes_with(fullname: str, module: Any) -> bool:
    """Whether a module that a heavy one has brought in shall come back with it: all but the code under test."""
    spec = declared_spec(module)
    if spec is None or spec.origin is None or root(fullname) in sys.stdlib_module_names:
        return True
    return is_installed(spec)
