"""``heavyimports split``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.commands import call_command, run_command

if TYPE_CHECKING:
    from ..support.suite import Suite

MIXED = '''\
"""Both."""

import json
import os

import pytest
import plain
from plain import answer

SIZE = 3
ANSWER = answer()


@pytest.fixture
def light():
    return SIZE


@pytest.fixture(name="heavy")
def _heavy():
    return plain


# about light things
@pytest.mark.parametrize("number", [1, 2])
def test_light(light, number):
    assert json.dumps(light) == "3"


def test_heavy(heavy):
    assert ANSWER == 42


class TestBoth:
    """A class with both."""

    def setup_method(self):
        self.number = 1

    def value(self):
        return answer()

    def test_a(self):
        assert self.number and os.sep

    def test_b(self):
        assert self.value() == 42
'''

LIGHT = '''\
"""Both."""

import json
import os

import pytest

SIZE = 3


@pytest.fixture
def light():
    return SIZE


# about light things
@pytest.mark.parametrize("number", [1, 2])
def test_light(light, number):
    assert json.dumps(light) == "3"


class TestBoth:
    """A class with both."""

    def setup_method(self):
        self.number = 1

    def test_a(self):
        assert self.number and os.sep
'''

HEAVY = '''\
"""Both."""

import pytest
import plain
from plain import answer

ANSWER = answer()


@pytest.fixture(name="heavy")
def _heavy():
    return plain


def test_heavy(heavy):
    assert ANSWER == 42


class TestBoth:
    """A class with both."""

    def setup_method(self):
        self.number = 1

    def value(self):
        return answer()

    def test_b(self):
        assert self.value() == 42
'''


@pytest.fixture
def plain(suite: Suite) -> Suite:
    """A suite with a heavy module."""
    suite.declare("plain")
    suite.write("plain.py", "def answer():\n    return 42\n")
    return suite


def _names(suite: Suite) -> list[str]:
    lines = suite.run("--collect-only", "-q").outlines
    return sorted(line.partition("::")[2] for line in lines if "::" in line)


def test_each_part_has_what_its_tests_need(plain: Suite) -> None:
    """Helpers, fixtures, imports, constants, members of classes; the same tests run, and a second time there is nothing."""
    file = plain.tests(MIXED)
    before = _names(plain)
    shown = run_command(plain.path, "split")
    assert shown.status == 1
    assert [line for line in shown.out if line.startswith(("---", "+++"))] == [
        "--- a/test_it.py",
        "+++ b/test_it.py",
        "--- /dev/null",
        "+++ b/test_it_heavy.py",
    ]
    assert file.read_text(encoding="utf-8") == MIXED
    assert run_command(plain.path, "split", "--write").status == 1
    assert file.read_text(encoding="utf-8") == LIGHT
    assert (plain.path / "test_it_heavy.py").read_text(encoding="utf-8") == HEAVY
    assert _names(plain) == before
    plain.run().assert_outcomes(passed=5)
    assert call_command(plain.path, "split") == (0, [], [])
    assert call_command(plain.path, "scan").out[-1] == "no finding; 1 of 2 files heavy, 2 of 4 test functions heavy"


def test_a_file_named_the_other_way_keeps_its_way(plain: Suite) -> None:
    """``it_test.py`` has a heavy part ``it_heavy_test.py``."""
    plain.tests("import plain\n\ndef test_a(): pass\ndef test_b(): plain\n", "it_test.py")
    call_command(plain.path, "split", "--write")
    assert sorted(file.name for file in plain.path.glob("*_test.py")) == ["it_heavy_test.py", "it_test.py"]


TWO = "def test_a(): pass\ndef test_b(): plain\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import plain\n\ndef test_a(): pass\n", "no test needs what is heavy: take the import away"),
        (f"import plain\n\ndef count():\n    global NUMBER\n\n{TWO}", "its tests share 'NUMBER' (line 4)"),
        (f"import plain\n\n{TWO}\ndef test_a(): pass\n", "'test_a' is defined twice"),
        (
            "import plain\n\nclass TestA:\n    def test_a(self): pass\n\nclass TestB(TestA):\n    def test_b(self): plain\n",
            "'TestA' is used in line 6",
        ),
        (
            "import plain\n\nif plain:\n    def test_a(): pass\n\ndef test_b(): plain\ndef test_c(): pass\n",
            "'test_a' stands under a condition",
        ),
    ],
)
def test_what_cannot_be_parted_is_left_alone(plain: Suite, text: str, reason: str) -> None:
    """With the reason."""
    plain.tests(text)
    assert call_command(plain.path, "split") == (0, [], [f"test_it.py: left alone: {reason}"])


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("test_it_heavy.py", "", "test_it_heavy.py is there already"),
        ("__snapshots__/test_it.ambr", "", "there is data that is found by its name"),
        ("test_it/data.txt", "", "there is data that is found by its name"),
        ("test_other.py", "from test_it import test_a\n", "test_other.py imports it"),
    ],
)
def test_what_others_know_by_its_name_is_left_alone(plain: Suite, file: str, text: str, reason: str) -> None:
    """With the reason."""
    plain.tests(f"import plain\n\n{TWO}")
    plain.write(file, text)
    assert call_command(plain.path, "split") == (0, [], [f"test_it.py: left alone: {reason}"])


NAMES_ITSELF = """\
import plain


class TestBoth:
    SIZE = 3

    @staticmethod
    def make():
        return {"size": TestBoth.SIZE}

    @classmethod
    def load(cls):
        return plain.answer()

    def test_light(self):
        cfg = TestBoth.make()
        assert cfg == {"size": 3}

    def test_heavy(self):
        assert TestBoth.load() == 42
        assert TestBoth.make()
"""


def test_a_class_that_names_itself_is_parted(plain: Suite) -> None:
    """Each part has the members that its tests use, by the class's name too."""
    file = plain.tests(NAMES_ITSELF)
    assert call_command(plain.path, "split", "--write").err == []
    light, heavy = file.read_text(encoding="utf-8"), (plain.path / "test_it_heavy.py").read_text(encoding="utf-8")
    assert "plain" not in light
    assert "def load" not in light
    assert "def make" in light
    assert "def test_light" not in heavy
    assert "def make" in heavy
    plain.run().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "use",
    ["TestBoth.count = 1", "helper(TestBoth)", "TestBoth.test_light", "TestBoth.of_a_base()", "TestBoth().make()"],
)
def test_a_class_that_shares_or_hands_itself_out_is_left_alone(plain: Suite, use: str) -> None:
    """Its parts would not be what it was."""
    count = "count = 0\n\n    @staticmethod\n    def make(): pass\n"
    tests = f"    def test_light(self): pass\n    def test_heavy(self):\n        plain\n        {use}\n"
    plain.tests(f"import plain\n\nclass TestBoth:\n    {count}\n{tests}")
    assert call_command(plain.path, "split").err == ["test_it.py: left alone: 'TestBoth' is used in line 12"]


# Files that are not plain ones


@pytest.fixture
def mixed(suite: Suite) -> Suite:
    """A suite with one mixed file."""
    suite.declare("plain")
    suite.write("plain.py", "")
    suite.write("test_mixed.py", "import plain\n\n\ndef test_heavy():\n    assert plain\n\n\ndef test_light(): pass\n")
    return suite


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_a_file_with_two_names_is_left_alone(mixed: Suite, kind: str) -> None:
    """Its heavy part would be missing beside the other name."""
    link = mixed.path / "real.py"
    if kind == "symbolic":
        (mixed.path / "test_mixed.py").rename(link)
        (mixed.path / "test_mixed.py").symlink_to("real.py")
    else:
        link.hardlink_to(mixed.path / "test_mixed.py")
    done = call_command(mixed.path, "split", "--write")
    assert done == (0, [], ["test_mixed.py: left alone: it is a link"])


def test_a_file_that_a_link_leads_to_is_left_alone(mixed: Suite) -> None:
    """The tests of the link would be others."""
    (mixed.path / "test_other.py").symlink_to("test_mixed.py")
    err = call_command(mixed.path, "split", "--write").err
    assert err == [
        "test_mixed.py: left alone: test_other.py is a link to it",
        "test_other.py: left alone: it is a link",
    ]


def test_a_read_only_file_is_not_split(mixed: Suite) -> None:
    """No part of it is written."""
    (mixed.path / "test_mixed.py").chmod(0o444)
    done = call_command(mixed.path, "split", "--write")
    assert done == (0, [], ["test_mixed.py: left alone: it is read-only"])


def test_the_place_of_a_link_that_leads_nowhere_is_taken(mixed: Suite) -> None:
    """It is somebody's."""
    (mixed.path / "test_mixed_heavy.py").symlink_to("nowhere.py")
    done = call_command(mixed.path, "split", "--write")
    assert done == (0, [], ["test_mixed.py: left alone: test_mixed_heavy.py is there already"])


def test_the_heavy_part_is_as_private_as_the_file_was(mixed: Suite) -> None:
    """Its text was readable by its owner alone."""
    (mixed.path / "test_mixed.py").chmod(0o600)
    assert call_command(mixed.path, "split", "--write").status == 1
    assert (mixed.path / "test_mixed_heavy.py").stat().st_mode & 0o777 == 0o600
