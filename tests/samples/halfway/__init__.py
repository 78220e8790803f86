"""Fails half-way, as a package does whose shared library is broken."""

from __future__ import annotations

from executions import record

from . import first

record(__name__)
raise OSError(f"libhalfway.so: cannot open shared object file, after {first.__name__}")
