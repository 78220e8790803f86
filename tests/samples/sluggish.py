"""Takes 0.3 s to import."""

from __future__ import annotations

import time

from executions import record

record(__name__)
time.sleep(0.3)
