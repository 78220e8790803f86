"""Asks for another heavy module while it is imported, as code under test that uses a registry does."""

from __future__ import annotations

import counted
from executions import record

record(__name__)

answer = counted.answer + 1
