"""What the code of a module says, on each version of Python."""

from __future__ import annotations

import pytest

from pytest_heavyimports.defer.bytecode import bindings, replaces_itself


def _bindings(source: str) -> dict[str, bool]:
    return dict(bindings(compile(source, "pkg", "exec"), "pkg"))


@pytest.mark.parametrize(
    "source",
    [
        "from . import part",
        "from pkg import part",
        "from . import part as part",
        "from . import other, part",
        "import pkg.part as part",
    ],
)
def test_a_part_bound_to_itself(source: str) -> None:
    assert _bindings(source)["part"] is False


@pytest.mark.parametrize(
    "source",
    [
        "part = 1",
        "def part(): pass",
        "class part: pass",
        "from .part import part",
        "from .other import thing as part",
        "from . import other as part",
        "from . import quite_another as part",
        "import other.part as part",
        "import pkg.other as part",
        "import part",
        "from . import part\npart = part.thing",
        "from . import part\nfrom .other import part",
        "def f():\n    global part\nfor part in (): pass",
    ],
)
def test_a_name_bound_to_something_else(source: str) -> None:
    assert _bindings(source)["part"] is True


@pytest.mark.parametrize(
    ("source", "is_part"),
    [
        ("from . import part", True),
        ("from pkg.sub import part", True),
        ("from ..sub import part", True),
        ("from .. import part", False),
        ("from .sub import part", False),
        ("from ... import part", False),
        ("from pkg import part", False),
        ("from sub import part", False),
        ("import pkg.sub.part as part", True),
        ("import pkg.part as part", False),
    ],
)
def test_in_a_package_within_a_package(source: str, *, is_part: bool) -> None:
    assert dict(bindings(compile(source, "sub", "exec"), "pkg.sub")) == {"part": not is_part}


def test_a_name_that_is_not_bound() -> None:
    assert "part" not in _bindings("import other\nother.part = 1\nprint(other.part)\ndef f():\n    part = 1\n")


def test_a_star_may_bind_any_name() -> None:
    assert _bindings("from .other import *")["*pkg.other"] is True
    assert not any("*" in name for name in _bindings("from . import part\nprint(*[1])"))


@pytest.mark.parametrize(
    ("last", "count"),
    [("from . import part", 300), ("from .part import part", 70_000), ("from .other import *", 300)],
)
def test_after_many_names(last: str, count: int) -> None:
    """More than fit in a byte, or in two: the number of what comes after them takes extended arguments."""
    names = "\n".join(f"name_{number} = {number + 1000}" for number in range(count))
    assert _bindings(f"{names}\n{last}").items() >= _bindings(last).items()


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("import sys\nsys.modules[__name__] = 1", True),
        ("from sys import modules\nmodules[__name__] = object()", True),
        ("import sys\nsys.modules[__name__].__class__ = int", False),
        ("import sys\nmodules = {}\nx = sys.modules[__name__]\nmodules[x] = __name__", False),
        ("import sys\nsys.modules['other'] = 1", False),
    ],
)
def test_a_module_that_replaces_itself(source: str, *, answer: bool) -> None:
    assert replaces_itself(compile(source, "pkg", "exec")) is answer


def test_a_module_without_code() -> None:
    assert not replaces_itself(None)
