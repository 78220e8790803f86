"""A module of a package."""

from __future__ import annotations

from executions import record

record(__name__)

piece = "a piece"
