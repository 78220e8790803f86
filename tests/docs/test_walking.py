"""The walks can fail: what is told and not so is found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .pages import Block, Walk, fault_of, items
from .walking import Walker, check_installed, commands, is_like

if TYPE_CHECKING:
    from pytest_heavyimports.pytester.forked import ForkedRuns


@pytest.fixture
def walker(tmp_path: Path, runs: ForkedRuns) -> Walker:
    """In an empty folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    return Walker(Walk(Path("page.md"), 0), folder, home, runs)


def test_output_is_compared(walker: Walker) -> None:
    """As it is printed, and not otherwise."""
    walker.do(Block("console", "$ echo one two\none two", 1))
    with pytest.raises(AssertionError, match="--- printed\none two"):
        walker.do(Block("console", "$ echo one two\none three", 1))


def test_a_command_without_output_must_go_well(walker: Walker) -> None:
    """Its exit status is 0."""
    walker.do(Block("console", "$ true", 1))
    with pytest.raises(AssertionError, match="exit status 3"):
        walker.do(Block("console", "$ exit 3", 1))


def test_files_and_directories_last(walker: Walker) -> None:
    """What one block writes, and where it goes, is there for the next."""
    walker.do(Block("console", "$ mkdir deep\n$ cd deep", 1))
    walker.do(Block("text", "hello", 1, "file", "told/here.txt"))
    walker.do(Block("console", "$ pwd\n/home/me/project/deep\n$ cat told/here.txt\nhello", 1))


def test_parts_of_the_output_are_looked_for(walker: Walker) -> None:
    """In what the last command has printed, as neighbours."""
    walker.do(Block("console", "$ seq 5\n...", 1))
    walker.do(Block("text", "2\n3", 1, "output"))
    with pytest.raises(AssertionError, match="the output before it"):
        walker.do(Block("text", "2\n4", 1, "output"))


@pytest.mark.parametrize(
    ("language", "good", "bad"),
    [
        ("ini", "[pytest]\nheavy_guard = error", "[pytest]\nheavy_guard = loud"),
        ("ini", "[pytest]\nheavy_modules =\n    json", "[pytest]\nheavy_modlues =\n    json"),
        (
            "toml",
            '[tool.pytest.ini_options]\nheavy_modules = ["json"]',
            '[tool.pytest.ini_options]\nheavy_modules = ["1"]',
        ),
    ],
)
def test_a_configuration_is_given_to_pytest(walker: Walker, language: str, good: str, bad: str) -> None:
    """A value, and a key, that it doesn't know are found."""
    walker.do(Block(language, good, 1))
    with pytest.raises(AssertionError, match="pytest refuses this configuration"):
        walker.do(Block(language, bad, 1))


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("torch 2.13.0    2.27 s   90 %   +197 MiB", "torch 2.13.0   12.5 s   7 %   +3 MiB"),
        ("=== 1 passed in 0.02s ===", "========= 1 passed in 12.34s ========="),
        ("a\nb\nc\nd", "a\n...\nd"),
        ("a\nd", "a\n...\nd"),
        ("at /usr/lib/x.py:3", "at ...x.py:3"),
    ],
)
def test_what_varies_is_alike(printed: str, expected: str) -> None:
    """Figures of time, share and memory, lines of a terminal's width, and what dots stand for."""
    assert is_like(printed, expected)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("2 passed in 0.02s", "1 passed in 0.02s"),
        ("torch 2.13.0", "torch 2.12.0"),
        ("a\nx\nb", "a\nb"),
        ("a\nb", "a"),
        ("a\nb", "b"),
        ("line 3", "line 4"),
        ("took 3 s", "took 3 MiB"),
    ],
)
def test_what_differs_is_not(printed: str, expected: str) -> None:
    """Counts, versions, lines that are missing or too many."""
    assert not is_like(printed, expected)


def test_what_is_said_to_be_installed_is() -> None:
    """A name that these tests don't have is found, and a version."""
    check_installed("pytest-heavyimports 'pytest>=8.2'")
    with pytest.raises(AssertionError, match="pytest<8 is not installed"):
        check_installed("'pytest<8'")


def test_commands_of_a_block() -> None:
    """With what each prints."""
    assert list(commands("$ one\n1\n$ two \\\n    more\n2\n3")) == [("one", "1"), ("two \\\n    more", "2\n3")]


def test_comments_belong_to_the_next_block() -> None:
    """And to nothing else."""
    text = (
        "<!-- folder: empty, slow -->\n<!-- file: a.py -->\n```python\nx = 1\n```\n\n"
        "```{toctree}\na\n```\n\n```console\n$ a\n```"
    )
    assert list(items(text)) == [
        "empty, slow",
        Block("python", "x = 1", 4, "file", "a.py"),
        Block("console", "$ a", 12),
    ]
    with pytest.raises(ValueError, match="no block follows"):
        list(items("<!-- file: a.py -->\n\ntext"))


@pytest.mark.parametrize("block", [Block("python", "x", 1), Block("", "x", 1), Block("text", "x", 1, "not run", "")])
def test_a_block_for_nobody_is_a_fault(block: Block) -> None:
    """It is neither run nor gives a reason."""
    assert fault_of(block)
