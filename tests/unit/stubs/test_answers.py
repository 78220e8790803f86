"""What a stand-in knows without the real module."""

from __future__ import annotations

import re
from typing import Any

from pytest_heavyimports.stubs.answers import CALLS, KINDS, OF_VERSION, VALUES, VERSIONS

NAMES: Any = None
"""The stand-in, of which these answers ask nothing."""


def test_numpy_tells_scalars() -> None:
    """pytest.approx asks it."""
    assert [CALLS["numpy.isscalar"](NAMES, value) for value in (1, "a", [])] == [True, True, False]


def test_each_call_makes_an_answer_of_its_own() -> None:
    """A test that changes a list changes no other test's."""
    ask = CALLS["torch.compiler.list_backends"]
    ask(NAMES).append("mine")
    assert ask(NAMES) == []


def test_what_is_told_of_a_package_is_told_under_its_name() -> None:
    """No row can be reached in another way than by its full name."""
    for name in (*CALLS, *VALUES, *VERSIONS, *OF_VERSION):
        assert all(part.isidentifier() for part in name.split("."))
    for kinds in KINDS.values():
        assert all(re.compile(pattern) for pattern, _ in kinds)
