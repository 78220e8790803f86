"""The section at the end."""

from __future__ import annotations

from pytest_heavyimports.ledger import Ledger
from pytest_heavyimports.places import Place
from pytest_heavyimports.records import Import, Reload
from pytest_heavyimports.report.terminal import section_lines, write_section

CALL = Place("call", "test_a.py::test_one")


class Lines:
    """A writer that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write_sep(self, sep: str, title: str) -> None:
        self.written.append(f"{sep} {title} {sep}")

    def write_line(self, line: str) -> None:
        self.written.append(line)


def _ledger(*events: Import | Reload) -> Ledger:
    ledger = Ledger()
    for event in events:
        ledger.record(event)
    return ledger


def test_imports_are_aligned_with_cost_and_place() -> None:
    """A line for each import: its name, seconds, MiB, and where it was first asked for."""
    setup = Place("setup", "test_a.py::test_one", fixture="np")
    ledger = _ledger(
        Import("torch", CALL, 2.345, 300 * 2**20),
        Import("numpy", setup, 0.1, -(2**20)),
        Import("pandas", Place("collect", "test_b.py")),
    )
    assert list(section_lines(ledger)) == [
        "torch     2.35 s   +300 MiB  first: test_a.py::test_one (call)",
        "numpy     0.10 s     -1 MiB  first: test_a.py::test_one (setup of fixture 'np')",
        "pandas                       first: test_b.py (collection)",
    ]


def test_failures_have_their_error() -> None:
    """A module that broke while it was imported is told with the error."""
    (line,) = section_lines(_ledger(Import("torch", CALL, 1.0, None, "OSError('libtorch.so')")))
    assert line == "torch    1.00 s             first: test_a.py::test_one (call); failed: OSError('libtorch.so')"


def test_reloads_are_told_in_order() -> None:
    """What the guard did stands between the imports, where it happened."""
    ledger = _ledger(
        Import("torch", CALL, 1.0, 0),
        Reload("torch", Place("call", "test_b.py::test_two", line="test_b.py:3"), refused=True),
        Reload("torch.overrides", CALL, refused=False),
    )
    assert list(section_lines(ledger))[1:] == [
        "torch: reload refused: test_b.py:3, in test_b.py::test_two (call)",
        "torch.overrides: reload ignored: test_a.py::test_one (call)",
    ]


def test_the_section_has_a_title() -> None:
    """The lines stand under their title."""
    lines = Lines()
    write_section(lines, _ledger(Reload("torch", CALL, refused=True)))
    assert lines.written == ["= heavy imports =", "torch: reload refused: test_a.py::test_one (call)"]


def test_nothing_is_written_where_nothing_happened() -> None:
    """No heavy import and no reload: no section."""
    lines = Lines()
    write_section(lines, _ledger())
    assert lines.written == []
