"""What ``heavyimports run`` has said, on a machine that may be slow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

WAITED = re.compile(r"heavyimports run: waited \d+\.\d s for the warm process\.")


def errors_of(result: pytest.RunResult) -> list[str]:
    """The lines of its standard error, without how long it had to wait."""
    return [line for line in result.errlines if not WAITED.fullmatch(line)]
