"""``heavy_xdist_workers``: how many workers of pytest-xdist import what is heavy."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ..support.suite import usage_errors

if TYPE_CHECKING:
    from ..support.suite import Suite

MANY = """
    import time

    import pytest

    @pytest.mark.parametrize("number", range(12))
    def test_heavy(counted, number):
        time.sleep(0.05)

    @pytest.mark.parametrize("number", range(12))
    def test_light(number):
        time.sleep(0.05)
    """


LOST = "*HeavyImportWarning: heavy_xdist_workers has no effect: *"


@pytest.fixture(scope="module")
def are_groups_made(tmp_path_factory: pytest.TempPathFactory) -> bool:
    """Whether this pytest-xdist makes groups under this pytest: 3.8.0 doesn't under 9.2."""
    directory = tmp_path_factory.mktemp("groups")
    (directory / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.xdist_group('mine')\ndef test_it(): pass\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "no:cacheprovider", "-v", "-n1", "--dist=loadgroup"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=True)
    return "test_it@mine" in ran.stdout


@pytest.mark.parametrize(("limit", "processes"), [("0", 3), ("1", 1), ("2", 2)])
def test_so_many_workers_import_it(suite: Suite, are_groups_made: bool, limit: str, processes: int) -> None:
    """With no limit all three workers import it; with one, as many as are allowed; and every test runs."""
    suite.declare("counted", heavy_xdist_workers=limit)
    suite.tests(MANY)
    result = suite.run("-n", "3", "-p", "xdist")
    assert result.parseoutcomes()["passed"] == 24
    if limit != "0" and not are_groups_made:
        result.stdout.fnmatch_lines([LOST])
        return
    assert len(set(suite.executing_processes())) == processes


def test_groups_of_the_author_are_kept(suite: Suite, are_groups_made: bool) -> None:
    """A group with a heavy test in it counts as one of the workers, and its light tests stay in it."""
    suite.declare("counted", heavy_xdist_workers="2")
    suite.tests(
        f"""{MANY}
    @pytest.mark.xdist_group("mine")
    class TestMine:
        def test_mine(self, counted): pass
        def test_mine_too(self): pass
    """
    )
    result = suite.run("-n", "3", "-p", "xdist", "-v")
    assert result.parseoutcomes()["passed"] == 26
    if not are_groups_made:
        pytest.skip("pytest-xdist makes no groups under this pytest")
    workers = {line.split("]")[0] for line in result.outlines if "test_mine" in line and "PASSED" in line}
    assert len(workers) == 1
    assert len(set(suite.executing_processes())) <= 2


def test_another_scheduler_is_refused(suite: Suite) -> None:
    """Only one of pytest-xdist's schedulers knows groups."""
    suite.declare("counted", heavy_xdist_workers="1")
    suite.tests(MANY)
    assert usage_errors(suite.run("-n", "2", "-p", "xdist", "--dist=loadscope")) == [
        "heavy_xdist_workers needs pytest-xdist's scheduler 'loadgroup', and --dist=loadscope was given. "
        "Leave --dist away, or set heavy_xdist_workers = 0."
    ]


def test_without_xdist(suite: Suite) -> None:
    """Where nothing is distributed there is nothing to limit."""
    suite.declare("counted", heavy_xdist_workers="1")
    suite.tests("def test_it(counted): pass\n")
    suite.run().assert_outcomes(passed=1)
    suite.run("-p", "xdist").assert_outcomes(passed=1)


def test_no_number(suite: Suite) -> None:
    """What is no number of workers is refused."""
    suite.declare(heavy_xdist_workers="some")
    suite.tests("def test_it(): pass\n")
    assert usage_errors(suite.run()) == ["heavy_xdist_workers: 'some' is no number of workers (pytest.ini, [pytest])."]
