"""The section at the end."""

from __future__ import annotations

from typing import Any

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import Autoloaded, Import, Leak, Reimport, Reload
from pytest_heavyimports.report.account import Account
from pytest_heavyimports.report.model import make_report
from pytest_heavyimports.report.terminal import Line, section_lines, write_section

from .trees import torch_report

CALL = Place("call", "test_a.py::test_one")


class Lines:
    """A writer that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write_sep(self, sep: str, title: str) -> None:
        self.written.append(f"{sep} {title} {sep}")

    def write_line(self, line: str, **markup: bool) -> None:
        self.written.append(f"{line}{markup or ''}")


def _texts(*events: Any, **how: Any) -> list[str]:
    account = Account(duration_us=10_000_000, events=[(0, event) for event in events])
    return [line.text for line in section_lines(make_report([account], [], lambda _: ""), **how)]


def test_imports_are_aligned_with_cost_and_place() -> None:
    """A line for each import: its name, seconds, share of the run, MiB, and where it was first asked for."""
    setup = Place("setup", "test_a.py::test_one", fixture="np")
    assert _texts(
        Import("torch", CALL, 2.345, 300 * 2**20),
        Import("numpy", setup, 0.1, -(2**20)),
        Import("pandas", Place("collect", "test_b.py")),
    ) == [
        "torch     2.35 s   23 %   +300 MiB  first: test_a.py::test_one (call)",
        "numpy     0.10 s    1 %     -1 MiB  first: test_a.py::test_one (setup of fixture 'np')",
        "pandas                              first: test_b.py (collection)",
    ]


def test_versions_and_importers_are_told() -> None:
    """What came with another heavy module names that, and what others imported who did."""
    assert [line.text for line in section_lines(torch_report())] == [
        "torch 2.13.0    1.95 s   24 %   +299 MiB  first: test_a.py::test_one (setup of fixture 'torch'), by app",
        "numpy 2.4.6     0.20 s    2 %    +19 MiB  first: test_a.py::test_one (setup of fixture 'torch'), by torch",
    ]


def test_verbose_tells_the_way_and_the_biggest_parts() -> None:
    """Of what no other heavy module brought in."""
    texts = [line.text for line in section_lines(torch_report(), verbosity=1)]
    assert texts[1:7] == [
        "    by way of app",
        "    torch itself            0.70 s   +180 MiB",
        "    torch._C                0.50 s    +99 MiB",
        "    torch.nn                0.50 s    +10 MiB",
        "    torch._dynamo itself    0.25 s    +10 MiB",
        texts[6],
    ]
    assert texts[6].startswith("numpy ")
    assert texts[7:] == ["    by way of app > torch > torch._C"]


def test_quiet_is_a_short_line_for_each_import() -> None:
    """Who was first is kept; numpy, which came with torch, is left out."""
    lines = [line.text for line in section_lines(torch_report(), verbosity=-1)]
    assert lines == ["imported: torch 1.95 s, first: test_a.py::test_one (setup of fixture 'torch'), by app"]


def test_what_does_not_fit_is_told_in_two_lines() -> None:
    """On a terminal; elsewhere nothing is broken up."""
    texts = _texts(Import("torch", CALL, 2.0, 0), width=60)
    assert texts == ["torch    2.00 s   20 %     +0 MiB", "    first: test_a.py::test_one (call)"]
    assert len(_texts(Import("torch", CALL, 2.0, 0), width=80)) == 1


def test_failures_have_their_error() -> None:
    """A module that broke while it was imported is told with the error."""
    (line,) = _texts(Import("torch", CALL, 1.0, None, "OSError('libtorch.so')\nmore"))
    assert line.endswith("  first: test_a.py::test_one (call); failed: OSError('libtorch.so')")


def test_the_guard_is_told_culprit_first() -> None:
    """Who, what, and what became of it, in order."""
    assert _texts(
        Reload("torch", Place("call", "test_b.py::test_two", line="test_b.py:3"), refused=True),
        Reload("torch.overrides", CALL, refused=False),
        Reimport("torch", CALL, Place("", "test_c.py::test_three"), refused=False),
        Leak(("torch", "torch.nn"), Place("", "test_c.py::test_three"), is_fake=False, is_tolerated=False),
        Leak(("torch",), Place("collect", "test_d.py"), is_fake=True, is_tolerated=False),
        Leak(("torch",), Place("before collection"), is_fake=True, is_tolerated=True),
        Leak(("numpy",), Place("before collection"), is_fake=False, is_tolerated=False, remedy="Do this,\nor that."),
    ) == [
        "test_b.py:3, in test_b.py::test_two (call): reload of torch: refused",
        "test_a.py::test_one (call): reload of torch.overrides: ignored",
        "test_a.py::test_one (call): torch imported again, taken by test_c.py::test_three: given back",
        "test_c.py::test_three: left torch and 1 more displaced: put back",
        "test_d.py (collection): left a fake of torch: taken away",
        "before collection: left a fake of torch: left alone",
        "before collection: left numpy displaced: put back",
        "    Do this,",
        "    or that.",
    ]


def test_what_torch_has_loaded_unasked() -> None:
    """By the name of its entry point, with what is known of it."""
    assert _texts(
        Autoloaded("npu", "torch-npu 1.2", ("acl", "torch_npu"), 0.5, 3 * 2**20), Autoloaded("hpu", "", (), 0.25, None)
    ) == [
        "torch has loaded the backend npu of torch-npu 1.2 unasked: 0.50 s, +3 MiB, with acl, torch_npu",
        "    With TORCH_DEVICE_BACKEND_AUTOLOAD=0 it does not.",
        "torch has loaded the backend hpu unasked: 0.25 s",
        "    With TORCH_DEVICE_BACKEND_AUTOLOAD=0 it does not.",
    ]


def test_a_dead_worker_is_told() -> None:
    """With the cause that pytest-xdist gives."""
    report = make_report([Account("controller"), Account("gw0", died="Not properly terminated")], [], lambda _: "")
    [line] = section_lines(report)
    told = "gw0 died (Not properly terminated): what it did after its last test's report is not known"
    assert line == Line(told, "red")


def test_collection_and_hint_come_last() -> None:
    """How long collection took without the imports in it."""
    report = torch_report(collection_begin_us=900_000, collection_us=2_500_000)
    assert [line.text for line in section_lines(report, hint="do this")][-2:] == [
        "collection took 2.50 s, 0.80 s without these imports",
        "hint: do this",
    ]


def test_the_section_has_a_title_and_colours() -> None:
    """The lines stand under their title."""
    lines = Lines()
    write_section(lines, [Line("bad", "red"), Line("plain")])
    assert lines.written == ["= heavy imports =", "bad{'red': True}", "plain"]


def test_nothing_is_written_where_nothing_happened() -> None:
    """No heavy import and no reload: no section."""
    lines = Lines()
    write_section(lines, [])
    assert lines.written == []
    assert _texts() == []
