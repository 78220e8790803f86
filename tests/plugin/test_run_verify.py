"""``heavyimports run --verify``: a warm run compared with plain ones."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.warm.verify import REMEDY

from ..support.warm_errors import errors_of

if TYPE_CHECKING:
    from ..support.warm import WarmSuite

INHERITED = "__import__('pytest_heavyimports.facts.places', fromlist=['places']).INHERITED"
"""In a warm run, what is imported before it."""


def verify(warm: WarmSuite, *arguments: str) -> tuple[int, list[str]]:
    """The exit status and the lines."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest_heavyimports",
            "run",
            "--verify",
            "-p",
            "pytest_heavyimports.plugin",
            *arguments,
        ],
        cwd=warm.path,
        env=warm.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout.splitlines() + done.stderr.splitlines()


def test_alike(warm: WarmSuite) -> None:
    """What is another one in each run is not compared, and named."""
    warm.suite.tests(
        """
        import os, pathlib, random, sys
        import plainpkg
        import pytest

        def test_it():
            pathlib.Path("always").write_text("the same")
            pathlib.Path("chance").write_text(str(random.random()))
            pathlib.Path(f"process{os.getpid()}").touch()

        def test_fails():
            print("output")
            assert object() is None

        @pytest.mark.skip(reason="not now")
        def test_skips(): pass
        """
    )
    status, lines = verify(warm)
    assert lines[0] == "heavyimports run --verify: 3 tests, alike"
    assert lines[1].startswith("not compared, as two plain runs differ: chance, executions.log, process")
    assert (status, len(lines)) == (0, 2)


def test_a_test_and_a_file_that_differ_are_named(warm: WarmSuite) -> None:
    """With the packages that the test touches, and what to do."""
    warm.suite.tests(
        f"""
        import pathlib
        import plainpkg

        def test_outcome():
            pathlib.Path("left").write_text("warm" if {INHERITED} else "plain")
            assert "plainpkg" not in {INHERITED}, "it is warm"

        def test_message():
            raise ValueError("warm" if {INHERITED} else "plain")

        def test_captured():
            if {INHERITED}:
                print("warm")

        def test_same(): pass
        """
    )
    status, lines = verify(warm, "-p", "no:cacheprovider")
    touches = "  touches, of what is preloaded: plainpkg"
    assert lines == [
        "heavyimports run --verify: 4 tests, different",
        "test_it.py::test_outcome: plain passed, warm failed",
        "  AssertionError: it is warm",
        touches,
        "test_it.py::test_message: message plain ValueError: plain, warm ValueError: warm",
        touches,
        "test_it.py::test_captured: captured plain nothing, warm Captured stdout call",
        touches,
        "left: plain 5 bytes (a116c9ed), warm 4 bytes (0f0aa408)",
        "not compared, as two plain runs differ: executions.log",
        REMEDY,
    ]
    assert status == 1


def test_a_run_that_is_never_warm_says_so(warm: WarmSuite) -> None:
    """There is nothing to be compared, and nothing differs."""
    warm.suite.tests("def test_it(): pass\n")
    warm.sockets.mkdir(mode=0o755)
    warm.sockets.chmod(0o755)
    status, lines = verify(warm)
    warm.sockets.chmod(0o700)
    assert lines == [
        "heavyimports run --verify: 1 test, alike",
        f"the warm run was a plain one: {warm.sockets} is not this user's alone.",
    ]
    assert status == 0


@pytest.mark.parametrize("arguments", [["nowhere.py"], ["--no-such-option"]])
def test_without_tests_nothing_is_compared(warm: WarmSuite, arguments: list[str]) -> None:
    """It is wrong usage, of pytest."""
    warm.suite.tests("def test_it(): pass\n")
    status, lines = verify(warm, *arguments)
    assert status == 2
    assert lines[0].startswith("heavyimports run: pytest has run no tests, exit status 4: ")


def test_workers_are_compared_too(warm: WarmSuite) -> None:
    """Their reports say what their tests touch."""
    warm.suite.tests(f"import plainpkg\n\ndef test_it(): assert 'plainpkg' not in {INHERITED}\n")
    warm.learn("--collect-only")
    status, lines = verify(warm, "-p", "xdist", "-n", "1", "--heavy-warm")
    assert status == 0, lines  # the plain runs have such workers as well


def test_a_failed_warm_run_offers_it(warm: WarmSuite) -> None:
    """In one line; a run that passes says nothing."""
    warm.suite.tests("def test_fails(): assert 0\ndef test_passes(): pass\n")
    assert errors_of(warm.run("-k", "passes")) == []
    arguments = "-p pytest_heavyimports.plugin -k fails"
    assert errors_of(warm.run("-k", "fails")) == [
        f"heavyimports run: this was a warm run; to compare it with a plain one: heavyimports run --verify {arguments}"
    ]
