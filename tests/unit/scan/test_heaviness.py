"""The way from a module to a declared one."""

from __future__ import annotations

import pytest

from pytest_heavyimports.scan.heaviness import Heaviness

HEAVINESS = Heaviness(
    frozenset({"torch", "app.stages"}),
    {"app.worker": "app.model", "app.model": "torch", "app.stages": "torch"},
    frozenset({"app"}),
    {"app.worker": ("app.model", "app.other"), "app.model": ("torch",), "app.other": ("torch",)},
)


@pytest.mark.parametrize(
    ("module", "chain"),
    [
        ("torch", "torch"),
        ("torch.nn.Linear", "torch"),
        ("app.worker", "app.worker app.model torch"),
        ("app.worker.run", "app.worker app.model torch"),
        ("app.light", ""),
        ("torchvision", ""),
    ],
)
def test_a_chain_leads_to_a_declared_module(module: str, chain: str) -> None:
    """From the innermost module of a name that is heavy."""
    assert " ".join(HEAVINESS.chain(module)) == chain


@pytest.mark.parametrize(
    ("stand_ins", "chain"),
    [
        (["numpy"], "app.worker app.model torch"),
        (["app.model"], "app.worker app.other torch"),
        (["app.model", "app.other"], ""),
        (["torch"], ""),
        (["app"], ""),
    ],
)
def test_no_way_leads_through_a_stand_in(stand_ins: list[str], chain: str) -> None:
    """Another one is looked for."""
    assert " ".join(HEAVINESS.chain("app.worker", stand_ins)) == chain
