"""pytest's hooks in a session that uses ``import_probe``: what a failed assertion on a probe shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..config.hooks import Hooks
from .probe import ImportProbe, Prober

if TYPE_CHECKING:
    import pytest


class ProbeHooks(Hooks):
    """Explains ``"torch" in probe`` and ``"torch" not in probe``."""

    @staticmethod
    def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
        if isinstance(right, ImportProbe) and isinstance(left, str) and op in ("in", "not in"):
            return [f"{left!r} {op} import_probe({right.fullname!r})", *right.explain(left)]
        return None


@contextmanager
def opened_prober(config: pytest.Config) -> Iterator[Prober]:
    """The probes of a session; as long as it is open, their assertions are explained."""
    hooks = ProbeHooks()
    config.pluginmanager.register(hooks, "heavyimports-probe")
    yield Prober(config.rootpath)
    config.pluginmanager.unregister(hooks)
