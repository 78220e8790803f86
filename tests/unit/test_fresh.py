"""The processes in which other tests run code that must find nothing imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ..support.fresh import Fresh

KILL = "import os, signal\nos.kill({}, signal.SIGKILL)"


@pytest.fixture
def fresh() -> Iterator[Fresh]:
    """One of this test, since it may be broken."""
    with closing(Fresh()) as fresh:
        yield fresh


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("1 / 0", "status 1\nTraceback (.|\n)*ZeroDivisionError"),
        ("raise SystemExit(3)", "status 3"),
        (KILL.format("os.getpid()"), "status -9"),
        (KILL.format("os.getppid()"), "the interpreter to fork from has ended, with status -9"),
    ],
)
def test_an_end_that_is_not_wanted(fresh: Fresh, tmp_path: Path, code: str, fault: str) -> None:
    """It is reported, and the next code runs."""
    with pytest.raises(AssertionError, match=fault):
        fresh.run(code, (), (), tmp_path)
    assert fresh.run("print(1)", (), (), tmp_path) == "1\n"


def test_code_that_does_not_end(fresh: Fresh, tmp_path: Path) -> None:
    """It is ended, and the next request gets its own answer."""
    fresh.run("", (), (), tmp_path)
    fresh.limit_s = 0.1
    with pytest.raises(AssertionError, match=r"has not ended after 0\.1 s"):
        fresh.run("import time\ntime.sleep(60)", (), (), tmp_path)
    fresh.limit_s = 60
    assert fresh.run("print(2)", (), (), tmp_path) == "2\n"


def test_nothing_is_imported(fresh: Fresh, tmp_path: Path) -> None:
    """Neither what the tests have imported, nor what the interpreter to fork from needs to start a process."""
    loaded = fresh.run("import sys\nprint(*sys.modules)", (), (), tmp_path).split()
    assert {"os", "site", "marshal"} <= {*loaded}
    assert {"pytest", "subprocess", "signal", "collections.abc", "re", "pytest_heavyimports"} & {*loaded} == set()
