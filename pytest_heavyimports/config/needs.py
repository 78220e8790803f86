"""What a test needs of CUDA devices: the arguments of the mark ``cuda``, and sizes of memory as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kKMGT])(i?))?B?\s*")
_POWERS = {"K": 1, "M": 2, "G": 3, "T": 4}


class Needs(NamedTuple):
    """What a test needs."""

    devices: int = 1
    """How many."""
    memory_bytes: int = 0
    """Free on each of them."""
    capability: tuple[int, int] = (0, 0)
    """The lowest compute capability that will do."""


def read_size(size: object) -> int:
    """
    The bytes of ``"4GiB"``, ``"512 MiB"``, ``"2 GB"`` (a billion each) or a plain number.

    Raises:
        ValueError: *size* is none of these.
    """
    found = _SIZE.fullmatch(str(size)) if isinstance(size, (int, str)) and not isinstance(size, bool) else None
    if not found:
        raise ValueError(f"{size!r} is no size")
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWERS[unit.upper()]) if unit else int(float(number))


def read_needs(args: Iterable[object], kwargs: Mapping[str, object]) -> dict[str, Any]:
    """
    The arguments of one mark ``cuda``, as fields of :class:`Needs`; those that weren't given are left out.

    Raises:
        ValueError: Something can't be read; the text goes on from "the mark cuda takes".
    """
    return {_FIELDS[name]: _READERS[name](value) for name, value in _named(tuple(args), kwargs).items()}


def combined_needs(marks: Iterable[tuple[Iterable[object], Mapping[str, object]]]) -> Needs:
    """What several marks ask for, the closest first: a nearer one has the last word on what it says."""
    fields: dict[str, Any] = {}
    for args, kwargs in marks:
        fields = read_needs(args, kwargs) | fields
    return Needs(**fields)


def _named(args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
    given = dict(zip(_FIELDS, args)) | dict(kwargs)
    if len(args) > len(_FIELDS) or not given.keys() <= _FIELDS.keys():
        raise ValueError("devices, memory and capability alone")
    return given


def _devices(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"a number of devices, not {value!r}")
    return value


def _memory(value: object) -> int:
    try:
        return read_size(value)
    except ValueError:
        raise ValueError(f"memory as '4GiB' or as a number of bytes, not {value!r}") from None


def _capability(value: object) -> tuple[int, int]:
    match value:
        case (int(major), int(minor)):
            return major, minor
    raise ValueError(f"a capability as (8, 0), not {value!r}")


_FIELDS = {"devices": "devices", "memory": "memory_bytes", "capability": "capability"}
_READERS: Mapping[str, Any] = {"devices": _devices, "memory": _memory, "capability": _capability}
