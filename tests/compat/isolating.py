"""The same suite without isolation and with it, by each method and with workers: nothing that is left may differ."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite

WORKERS = ("-p", "xdist", "-n", "2")
WAYS = [
    pytest.param(method, workers, id="-".join([method, *(["workers"] if workers else [])]))
    for method in ("fork", "spawn")
    for workers in ((), WORKERS)
]
"""For ``@pytest.mark.parametrize(("method", "workers"), WAYS)``."""
ALONE = [way for way in WAYS if not way.values[1]]
"""Without workers, for a plugin that has none."""


def write(suite: Suite, method: str, text: str, file: str = "test_it.py") -> None:
    """Write a test file in which ``@alone`` isolates a test by that method, or does nothing where it is empty."""
    how = f'pytest.mark.heavy_isolated(method="{method}")' if method else "lambda function: function"
    suite.tests(f"import pytest\n\nalone = {how}\n\n{textwrap.dedent(text)}", file)


def summary(result: pytest.RunResult, *words: str) -> list[str]:
    """The lines of a run that have one of these words in them, without colours, figures of time and paths."""
    lines = (re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in result.outlines)
    return [re.sub(r"in \d+\.\d+s", "", line) for line in lines if any(word in line for word in words)]
