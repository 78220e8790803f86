"""Ends the process while it is imported, as a program without a main guard does."""

from __future__ import annotations

import sys

from executions import record

record(__name__)
sys.exit("no display")
