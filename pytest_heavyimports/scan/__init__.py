"""Test suites as they are written: what in them is heavy, what breaks heavy modules, and how to change it."""
