"""Beside pytest-randomly, which shuffles, reseeds around each test, and imports numpy before pytest begins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("pytest_randomly")
RANDOMLY = ("-p", "pytest_randomly", "-p", "no:doctest")


def test_a_random_order_makes_no_difference(suite: Suite) -> None:
    """Each heavy module is imported once, whichever test comes first."""
    suite.declare("counted")
    suite.tests(
        """
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_it(counted, heavy_module, number):
            assert heavy_module("counted") is counted
        """
    )
    suite.run(*RANDOMLY).assert_outcomes(passed=6)
    assert suite.executions() == {"counted": 1}


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_light_tests_come_first_in_a_random_order(suite: Suite, seed: str) -> None:
    """The shuffled order is kept among light tests and among heavy ones."""
    suite.declare("counted", heavy_order="light-first")
    suite.tests(
        """
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_light(number): pass

        @pytest.mark.parametrize("number", range(8))
        def test_heavy(counted, number): pass
        """
    )
    seeded = (*RANDOMLY, "-v", f"--randomly-seed={seed}")
    ordered, shuffled = (
        re.findall(r"test_it.py::(test_\w+)\[(\d)\] PASSED", suite.run(*seeded, *more).stdout.str())
        for more in ((), ("-o", "heavy_order=keep"))
    )
    assert [name for name, _ in ordered] == ["test_light"] * 8 + ["test_heavy"] * 8
    for kind in ("test_light", "test_heavy"):
        assert [each for each in ordered if each[0] == kind] == [each for each in shuffled if each[0] == kind]
    assert ordered != sorted(ordered)


@pytest.mark.parametrize("how", [(), ("--heavy-isolate",)])
def test_isolated_tests_are_seeded_alike(suite: Suite, how: tuple[str, ...]) -> None:
    """A test draws the same random numbers in a process of its own as elsewhere."""
    suite.tests(
        """
        import random

        def test_a(): print("drawn", random.random())

        def test_b(): print("drawn", random.random())
        """
    )
    plain, other = (
        sorted(line for line in suite.run(*RANDOMLY, "--randomly-seed=7", "-rP", *more).outlines if "drawn" in line)
        for more in ((), how)
    )
    assert len(plain) == 2
    assert plain == other


@needs("numpy")
def test_a_stand_in_for_the_numpy_that_it_has_imported(suite: Suite) -> None:
    """The tests see the stand-in; the plugin reseeds the real one, which it has had before."""
    suite.declare("numpy")
    suite.tests(
        """
        def test_it():
            import numpy
            numpy.zeros(3)
            assert type(numpy.zeros).__module__.startswith("pytest_heavyimports")

        def test_needs_it():
            import numpy
            assert numpy.zeros(3).sum() == 0
        """
    )
    suite.run(*RANDOMLY, "--heavy-stub=numpy").assert_outcomes(passed=1, skipped=1)


@needs("numpy")
@pytest.mark.parametrize("mode", ["restore", "error"])
def test_the_numpy_that_it_has_imported_is_kept(suite: Suite, mode: str) -> None:
    """The guard adopts it: whoever throws it out and imports it again gets the same, which can still be seeded."""
    suite.tests(
        """
        import sys

        def test_evicts():
            import numpy.random
            for name in [name for name in sys.modules if name.split(".")[0] == "numpy"]:
                del sys.modules[name]

        def test_uses():
            import numpy
            assert numpy.zeros(3).sum() == 0
        """
    )
    result = suite.run(*RANDOMLY, "--randomly-dont-reorganize", f"--heavy-guard={mode}")
    result.assert_outcomes(passed=2, errors=int(mode == "error"), warnings=int(mode == "restore"))
