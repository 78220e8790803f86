"""Import trees for the tests of the report."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import Load
from pytest_heavyimports.report.account import Account
from pytest_heavyimports.report.model import Report, make_report

START = Place("start-up")
SETUP = Place("setup", "test_a.py::test_one", fixture="torch")


def load(fullname: str, importer: int, begin_us: int, end_us: int, **more: Any) -> Load:
    """A load; one that nobody imports has a place."""
    return Load(
        fullname, importer, "MainThread", begin_us, end_us, **{"place": START if importer < 0 else None, **more}
    )


TORCH = [
    load("app", -1, 1_000_000, 3_000_000, rss_begin_bytes=0, rss_end_bytes=300 * 2**20, place=SETUP),
    load("torch", 0, 1_200_000, 2_900_000, rss_begin_bytes=2**20, rss_end_bytes=290 * 2**20, place=SETUP),
    load("torch._C", 1, 1_300_000, 1_800_000, rss_begin_bytes=2**20, rss_end_bytes=100 * 2**20),
    load("numpy", 2, 1_400_000, 1_600_000, rss_begin_bytes=2**20, rss_end_bytes=20 * 2**20, place=SETUP),
    load("torch.nn", 1, 2_000_000, 2_500_000, rss_begin_bytes=100 * 2**20, rss_end_bytes=110 * 2**20),
    load("torch._dynamo", -1, 4_000_000, 4_250_000, rss_begin_bytes=290 * 2**20, rss_end_bytes=300 * 2**20),
]
"""``app`` imports torch, which imports numpy; a part of torch comes later."""


def torch_report(**more: Any) -> Report:
    """A run of 8 s of which 2 s are that tree."""
    account = Account(epoch_s=1e9, duration_us=8_000_000, loads=TORCH, **more)
    return make_report([account], ["torch", "numpy"], {"torch": "2.13.0", "numpy": "2.4.6"}.get)


@st.composite
def loads(draw: st.DrawFn) -> list[Load]:
    """Any trees of any threads, as they may be measured."""
    made: list[Load] = []
    for thread in draw(st.lists(st.sampled_from(["MainThread", "loader", "Thread-1 (run)"]), unique=True, max_size=3)):
        _grow(draw, made, thread, -1, 0, draw(st.integers(0, 10_000)), 4)
    return made


def _grow(draw: st.DrawFn, made: list[Load], thread: str, importer: int, begin: int, end: int, depth: int) -> None:
    """Add loads beside each other between *begin* and *end*, and what they import."""
    marks = sorted(draw(st.lists(st.integers(begin, end), max_size=6 if depth else 0)))
    for first, last in zip(marks[::2], marks[1::2]):
        number = len(made)
        rss = draw(st.none() | st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)))
        name = draw(st.sampled_from(["torch", "torch.nn", "torch.nn.modules", "numpy", "app", "app.é"]))
        made.append(Load(name, importer, thread, first, last, *(rss or (None, None)), place=START))
        _grow(draw, made, thread, number, first, last, depth - 1)
