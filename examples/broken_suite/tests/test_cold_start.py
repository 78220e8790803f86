"""Second habit: throw torch out of sys.modules to look at a cold start.

The test passes. The next test that imports torch pays for it.
"""

from __future__ import annotations

import sys


def test_api_starts_without_torch() -> None:
    sys.modules.pop("torch", None)
    sys.modules.pop("src.api.schemas", None)

    from src.api.schemas import TaskStatus

    assert TaskStatus("failed").is_final
    assert "torch" not in sys.modules
