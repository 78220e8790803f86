"""What is shown of a diagnosis."""

from __future__ import annotations

import itertools
import json

import pytest

from pytest_heavyimports.doctor.output import SCREEN, WIDTH, Configuration, document, text
from pytest_heavyimports.doctor.records import Break, Diagnosis, Item, Remedy, SeenRun, Slow

ITEM = Item("test_it.py::test_it", "/p/test_it.py", 1, (), False)
RUN = SeenRun((), 1, 61.23, "/p", "", 0.61, True, outcomes={"failed": 1, "error": 2}, items=(ITEM,) * 340)
BREAK = Break(
    ("torch",),
    "again",
    "tests/test_x.py:12, in tests/test_x.py::test_it (call)",
    "del sys.modules[name]",
    ("x:1", "y:2"),
    2,
    "word " * 60,
)
SLOW = Slow("torch", False, 1_900_000, 1, "tests/test_x.py:1", 12, 12)
HELP = Remedy(2_400_000, "heavyimports run", "in each run after the first", True)
DIFF = ("--- a/pytest.ini", "+++ b/pytest.ini", "@@ -1 +1,3 @@", " [pytest]", "+heavy_modules =", "+    torch")
NOTHING = Configuration("", ())
SETTINGS = Configuration("TYPE  heavyimports doctor --write", (DIFF[:3] + DIFF[4:], DIFF, DIFF, DIFF))


def diagnosis(breaks: int = 0, slow: int = 0, remedies: int = 0, useless: int = 0, run: SeenRun = RUN) -> Diagnosis:
    return Diagnosis(run, (BREAK,) * breaks, (SLOW,) * slow, (HELP,) * remedies, (HELP,) * useless, 9_800_000)


def test_everything_has_its_place() -> None:
    """What breaks comes first, then what is slow, what helps, and what to write."""
    shown = text(diagnosis(1, 1, 1, 1), SETTINGS, is_verbose=False)
    assert shown == [
        "heavyimports doctor: 340 tests in 61.2 s; imports 9.80 s, start of pytest 0.61 s",
        "1 test failed, 2 tests with errors: see above",
        "BREAKS",
        "  torch: executed a second time in this process, 2 times",
        "    by tests/test_x.py:12: del sys.modules[name]",
        "    word word word word word word word word word word word word word word word",
        "    word word word word word word word word word word word word word word word",
        "    word word word word word word word word word word word word word word ...",
        "SLOW",
        "   1.90 s  torch  12 of 340 tests  tests/test_x.py:1",
        "HELPS",
        "   2.40 s  heavyimports run",
        "           in each run after the first",
        "DOESN'T HELP  heavyimports run: in each run after the first",
        "TYPE  heavyimports doctor --write",
        *DIFF,
    ]


def test_verbose_shows_where_it_happened_again() -> None:
    """And the whole name of who did it, and all of the remedy."""
    shown = text(diagnosis(1), NOTHING, is_verbose=True)
    assert "    by tests/test_x.py:12, in tests/test_x.py::test_it (call): del sys.modules[name]" in shown
    assert shown[-3:] == ["    again: x:1", "    again: y:2", f"    {'word ' * 60}"]


@pytest.mark.parametrize("numbers", [*itertools.product((0, 1, 9), repeat=4)])
@pytest.mark.parametrize("configuration", [NOTHING, SETTINGS, Configuration("TYPE", ((*DIFF, *DIFF, *DIFF),))])
def test_it_is_one_screen(numbers: tuple[int, int, int, int], configuration: Configuration) -> None:
    """However much there is: 24 lines of 80 columns, the most valuable of each part, and how many there are."""
    shown = text(diagnosis(*numbers), configuration, is_verbose=False)
    assert len(shown) <= SCREEN
    assert max(map(len, shown)) <= WIDTH
    for title, number in zip(("BREAKS", "SLOW", "HELPS"), numbers):
        titles = [line for line in shown if line.startswith(title)]
        assert len(titles) == bool(number)
        assert number < 9 or "of 9; -v shows all)" in titles[0]
    assert len(text(diagnosis(*numbers), configuration, is_verbose=True)) >= len(shown)


def test_nothing_to_do_is_said() -> None:
    """In a line."""
    run = RUN._replace(outcomes={"passed": 1}, items=(ITEM,))
    assert text(diagnosis(run=run), NOTHING, is_verbose=False) == [
        "heavyimports doctor: 1 test in 61.2 s; imports 9.80 s, start of pytest 0.61 s",
        "Nothing breaks, and nothing is slow.",
    ]


def test_a_run_that_died_says_so() -> None:
    """Then nobody says that nothing was slow."""
    run = SeenRun((), -11, 1.0, "/p", "")
    assert text(diagnosis(1, run=run), NOTHING, is_verbose=False)[:3] == [
        "heavyimports doctor: signal SIGSEGV ended the process (Segmentation fault)",
        "What was seen until then:",
        "BREAKS",
    ]


def test_files_that_could_not_be_collected_are_counted() -> None:
    """Whatever the reason."""
    run = RUN._replace(outcomes={}, faults=("a.py", "b.py"))
    assert text(diagnosis(run=run), NOTHING, is_verbose=False)[1] == "2 files could not be collected: see above"


def test_the_document_is_plain() -> None:
    """As JSON has it, with the same figures."""
    facts = document(diagnosis(1, 1, 1, 1), file="pytest.ini", diff=DIFF, fault="")
    assert json.loads(json.dumps(facts)) == json.loads(json.dumps(facts, default=str))
    assert (facts["tests"], facts["outcomes"], facts["exit_status"]) == (340, {"failed": 1, "error": 2}, 1)
    assert facts["breaks"][0]["modules"] == ("torch",)
    assert facts["slow"][0]["us"] == 1_900_000
    assert facts["remedies"][0]["saves_us"] == 2_400_000
    assert facts["configuration"] == {"file": "pytest.ini", "diff": list(DIFF), "fault": ""}
