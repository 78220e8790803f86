"""Modules executed past ``sys.modules``."""

from __future__ import annotations

from pytest_heavyimports.scan.rules.second_copy import RULE

from ..checks import check_found, check_noop

COPY = """
def test_it():
    spec = importlib.util.find_spec({name!r})
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
"""


def test_light_modules_are_none() -> None:
    """As scripts are loaded."""
    check_noop(RULE.name, COPY.format(name="script") + "# torch\n")


def test_a_spec_elsewhere_is_none() -> None:
    """It is another function's."""
    check_noop(RULE.name, COPY.format(name="script") + "\ndef test_other():\n    importlib.util.find_spec('torch')\n")


def test_heavy_modules_are_found() -> None:
    """At the call that executes."""
    check_found(RULE.name, COPY.format(name="torch"), {4: "a second copy of 'torch' is executed"})
