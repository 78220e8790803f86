"""Beside pytest-benchmark, which times what a test calls, and keeps the results in the process that ran it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .isolating import WAYS, write
from .others import needs

if TYPE_CHECKING:
    from ..support.guarded import Guarded
    from ..support.suite import Suite
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


ISOLATED = """
    def test_here(benchmark):
        benchmark(int)

    @alone
    @pytest.mark.parametrize("number", [1, 2])
    def test_alone(benchmark, number):
        benchmark.extra_info["number"] = number
        benchmark.pedantic(int, rounds=7, iterations=2)

    @alone
    @pytest.mark.benchmark(group="own", min_rounds=6, max_time=0.01, warmup=False)
    def test_marked(benchmark):
        benchmark(int)

    @alone
    def test_fails(benchmark):
        benchmark.pedantic(int, ("x",))
    """


@pytest.mark.parametrize("more", [(), ("--benchmark-cprofile=tottime",), ("--benchmark-disable",)])
@pytest.mark.parametrize(("method", "workers"), WAYS)
def test_results_of_isolated_tests(suite: Suite, method: str, workers: tuple[str, ...], more: tuple[str, ...]) -> None:
    """They are in the table and in the file as they would be without isolation."""
    file = suite.path / "b.json"
    found = {}
    for how in ("", method):
        write(suite, how, ISOLATED)
        result = suite.run(*BENCHMARK, *workers, "--benchmark-json=b.json", "--benchmark-max-time=0.01", *more)
        timed = json.loads(file.read_text())["benchmarks"] if file.exists() and file.stat().st_size else []
        file.unlink(missing_ok=True)
        for each in timed:
            figures = each.pop("stats")
            each["figures"] = sorted(figures), len(figures["data"]) == figures["rounds"], figures["iterations"] == 2
            each["profile"] = bool(each.pop("cprofile", None))
        table = {line.split()[0] for line in result.outlines if line.startswith("test_") and "::" not in line}
        found[how] = timed, table, result.parseoutcomes()
    assert found[method] == found[""]
    assert len(found[""][0]) == (0 if workers or "disable" in str(more) else 4)


def test_in_a_run_that_is_forked_from_a_warm_process(warm: WarmSuite) -> None:
    """Results are kept there as in a plain run."""
    warm.suite.declare("plainpkg")
    warm.suite.tests(TESTS)
    for _ in range(2):
        warm.run(*BENCHMARK, "--benchmark-json=b.json").assert_outcomes(passed=1)
        (timed,) = json.loads((warm.path / "b.json").read_text())["benchmarks"]
        assert timed["fullname"] == "test_it.py::test_it"
