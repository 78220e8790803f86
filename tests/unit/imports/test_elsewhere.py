"""What another interpreter of this process has loaded. Each test asks a fresh process, which loads numpy for good."""

from __future__ import annotations

from collections.abc import Callable

ASKING = """
from pytest_heavyimports.imports.elsewhere import is_elsewhere, mapped_extensions

before = mapped_extensions()
import numpy

mapped = mapped_extensions()
print(is_elsewhere("numpy", before), is_elsewhere("numpy", mapped))
print(is_elsewhere("nothing_of_that_name", mapped), is_elsewhere("typing_extensions", mapped))
"""


def test_extension_modules_that_are_loaded(fresh: Callable[..., str]) -> None:
    """By the files that the process has mapped; a single module, and what isn't there, has no place for them."""
    assert fresh(ASKING).split("\n")[:2] == ["False True", "False False"]
