"""Beside pytest-benchmark, which times what a test calls, and keeps the results in the process that ran it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .others import needs

if TYPE_CHECKING:
    from ..support.guarded import Guarded
    from ..support.warm import WarmSuite

pytestmark = needs("pytest_benchmark")
BENCHMARK = ("-p", "pytest_benchmark.plugin")
SLUGGISH = "import time\n\nfrom executions import record\n\nrecord(__name__)\ntime.sleep(0.5)\nanswer = 42\n"
TESTS = """
    import plainpkg

    def test_it(benchmark, plainpkg):
        assert benchmark(lambda: plainpkg.answer) == 42
    """


@pytest.mark.parametrize("how", [(), ("--heavy-defer",)])
def test_the_import_is_not_timed(guarded: Guarded, how: tuple[str, ...]) -> None:
    """A fixture's import, put off or not, is done before the first round."""
    guarded.installed.add("sluggard", "1.0", {"sluggard.py": SLUGGISH})
    guarded.suite.declare("sluggard")
    guarded.suite.tests(
        """
        import sluggard as early

        def test_it(benchmark, sluggard):
            benchmark.pedantic(lambda: early.answer, rounds=3)
        """
    )
    guarded.run("error", *BENCHMARK, "--benchmark-json=b.json", *how).assert_outcomes(passed=1)
    (timed,) = json.loads((guarded.suite.path / "b.json").read_text())["benchmarks"]
    assert timed["stats"]["max"] < 0.4


def test_results_of_isolated_tests(guarded: Guarded) -> None:
    """They are lost with the process that has them, and a warning says so, unless nothing is timed."""
    guarded.suite.tests(TESTS)
    guarded.suite.tests(
        "import pytest\n\n@pytest.mark.heavy_isolated\ndef test_it(benchmark): benchmark(int)\n", "test_that.py"
    )
    told = "HeavyImportWarning: the results of pytest-benchmark are lost with the process of an isolated test: "
    one = guarded.run("error", *BENCHMARK, "-W", "error")
    one.assert_outcomes(passed=2, warnings=1)
    one.stdout.fnmatch_lines(["test_that.py::test_it", f"*/test_that.py:3: {told}time it without isolation"])
    both = guarded.run("error", *BENCHMARK, "--heavy-isolate")
    both.assert_outcomes(passed=2, warnings=2)
    for none in (("--benchmark-disable", "--heavy-isolate"), ("test_it.py",)):
        assert told not in guarded.run("error", *BENCHMARK, *none).stdout.str()


def test_in_a_run_that_is_forked_from_a_warm_process(warm: WarmSuite) -> None:
    """Results are kept there as in a plain run."""
    warm.suite.declare("plainpkg")
    warm.suite.tests(TESTS)
    for _ in range(2):
        warm.run(*BENCHMARK, "--benchmark-json=b.json").assert_outcomes(passed=1)
        (timed,) = json.loads((warm.path / "b.json").read_text())["benchmarks"]
        assert timed["fullname"] == "test_it.py::test_it"
