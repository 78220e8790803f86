"""``heavy_xdist_workers``: how many workers of pytest-xdist import what is heavy."""

from __future__ import annotations

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


@pytest.mark.parametrize(("limit", "processes"), [("0", 3), ("1", 1), ("2", 2)])
def test_so_many_workers_import_it(suite: Suite, limit: str, processes: int) -> None:
    """With no limit all three workers import it; with one, as many as are allowed; and every test runs."""
    suite.declare("counted", heavy_xdist_workers=limit)
    suite.tests(MANY)
    result = suite.run("-n", "3", "-p", "xdist")
    assert result.parseoutcomes()["passed"] == 24
    assert len(set(suite.executing_processes())) == processes


def test_what_the_other_workers_have_imported(suite: Suite) -> None:
    """Their ``sys.modules`` has nothing heavy at the end, and all three have run tests."""
    suite.declare("counted", heavy_xdist_workers="1")
    suite.tests(MANY)
    suite.write(
        "conftest.py",
        """
        import sys
        from pathlib import Path

        HAS_RUN = []

        def pytest_runtest_logreport(report):
            HAS_RUN.append(report.nodeid)

        def pytest_sessionfinish(session):
            worker = getattr(session.config, "workerinput", {}).get("workerid")
            if worker and HAS_RUN:
                Path(worker).write_text(str("counted" in sys.modules))
        """,
    )
    assert suite.run("-n", "3", "-p", "xdist").parseoutcomes()["passed"] == 24
    assert sorted(file.read_text() for file in suite.path.glob("gw?")) == ["False", "False", "True"]


@pytest.mark.parametrize("dist", [(), ("--dist=loadgroup",)])
def test_groups_of_the_author_are_kept(suite: Suite, dist: tuple[str, ...]) -> None:
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
    result = suite.run("-n", "3", "-p", "xdist", "-v", *dist)
    assert result.parseoutcomes()["passed"] == 26
    workers = {line.split("]")[0] for line in result.outlines if "test_mine" in line and "PASSED" in line}
    assert len(workers) == 1
    assert len(set(suite.executing_processes())) <= 2


def test_a_worker_that_dies(suite: Suite) -> None:
    """Another one takes over what is left of its group; the test that has ended it fails, and is not run again."""
    suite.declare("counted", heavy_xdist_workers="1")
    suite.tests(
        f"""{MANY}
    @pytest.mark.heavy
    def test_dies():
        import os

        os._exit(1)

    def test_after_it(counted): pass
    """
    )
    result = suite.run("-n", "2", "-p", "xdist")
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes["failed"]) == (25, 1)


def test_a_scheduler_of_a_plugin(suite: Suite) -> None:
    """It would send heavy tests to each worker, and is not replaced."""
    suite.declare("counted", heavy_xdist_workers="1")
    suite.tests(MANY)
    suite.write(
        "conftest.py",
        """
        from xdist.scheduler import LoadScopeScheduling

        class Mine(LoadScopeScheduling):
            pass

        def pytest_xdist_make_scheduler(config, log):
            return Mine(config, log)
        """,
    )
    result = suite.run("-n", "2", "-p", "xdist")
    assert usage_errors(result) == [
        "heavy_xdist_workers distributes the tests by a scheduler of its own, and a plugin has given another one: "
        "conftest.Mine. Set heavy_xdist_workers = 0."
    ]


def test_a_worker_elsewhere(suite: Suite) -> None:
    """Where it can't write its groups, a warning says so, and the tests run."""
    suite.declare("counted", heavy_xdist_workers="1")
    suite.tests(MANY)
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(optionalhook=True, trylast=True)
        def pytest_configure_node(node):
            node.workerinput["heavyimports_groups"] = "/absent/groups.json"
        """,
    )
    result = suite.run("-n", "2", "-p", "xdist")
    assert result.parseoutcomes()["passed"] == 24
    result.stdout.fnmatch_lines(["*heavy_xdist_workers has no effect: this worker and its controller share no files:*"])


def test_another_scheduler_is_refused(suite: Suite) -> None:
    """It would send heavy tests to each worker."""
    suite.declare("counted", heavy_xdist_workers="1")
    suite.tests(MANY)
    assert usage_errors(suite.run("-n", "2", "-p", "xdist", "--dist=loadscope")) == [
        "heavy_xdist_workers distributes the tests by a scheduler of its own, and --dist=loadscope was given. "
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
