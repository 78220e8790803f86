"""Is there, but what it needs is not."""

from __future__ import annotations

from executions import record

record(__name__)

import not_there_at_all  # noqa: E402, F401  # missing, on purpose
