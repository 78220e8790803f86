"""Totals for other readers."""

from __future__ import annotations

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import Reload
from pytest_heavyimports.report.summary import markdown, properties

from .trees import SETUP, torch_report

ACTED = [(0, Reload("torch", SETUP, refused=True))]


def test_properties_have_their_unit_in_their_names() -> None:
    """Of each heavy module and of all."""
    assert dict(properties(torch_report(events=ACTED))) == {
        "heavyimports.torch.seconds": "1.950000",
        "heavyimports.torch.rss_bytes": str(299 * 2**20),
        "heavyimports.numpy.seconds": "0.200000",
        "heavyimports.numpy.rss_bytes": str(19 * 2**20),
        "heavyimports.total.seconds": "1.950000",
        "heavyimports.guard.events": "1",
    }


def test_the_table_is_markdown() -> None:
    """With the hint below it, and no cell that ends early."""
    report = torch_report(events=ACTED)
    report.modules[1] = report.modules[1]._replace(first=Place("call", "test_a.py::test_one[a|b]"))
    assert markdown(report, "do this").splitlines() == [
        "### Heavy imports",
        "",
        "| module | version | time | share of the run | memory | first import |",
        "| --- | --- | --- | --- | --- | --- |",
        "| `torch` | 2.13.0 | 1.95 s | 24 % | +299 MiB | test_a.py::test_one (setup of fixture 'torch') |",
        "| `numpy` | 2.4.6 | 0.20 s | 2 % | +19 MiB | test_a.py::test_one[a\\|b] (call), by `torch` |",
        "",
        "The guard acted 1 time.",
        "",
        "do this",
        "",
    ]
