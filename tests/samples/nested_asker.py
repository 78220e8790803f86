"""Asks the registry for another module while it is imported; the test puts ``ask_registry`` in place."""

from __future__ import annotations

import builtins

from executions import record

greet = builtins.ask_registry("counted:greet")  # type: ignore[attr-defined]  # put there by the test
record(__name__)
