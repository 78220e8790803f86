"""Subtests of isolated tests are told as without isolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = pytest.mark.skipif(not hasattr(pytest, "SubtestReport"), reason="pytest has no subtests")
TESTS = """
    import unittest

    import pytest

    alone = {how}

    @alone
    def test_fixture(subtests):
        for number in range(2):
            with subtests.test("named", number=number, text="it's"):
                assert number

    class TestOfUnittest(unittest.TestCase):
        @alone
        def test_it(self):
            for number in range(2):
                with self.subTest(number=number):
                    self.assertTrue(number)
    """


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_same_outcomes_and_names(suite: Suite, method: str) -> None:
    """pytest has a failed subtest of its fixture fail the test, and not one of unittest."""
    found = {}
    for how in ("lambda function: function", f'pytest.mark.heavy_isolated(method="{method}")'):
        suite.tests(TESTS.format(how=how))
        result = suite.run("-rA")
        begins = ("PASSED", "FAILED", "SUBFAILED")
        found[how] = sorted(line for line in result.outlines if line.startswith(begins)), result.parseoutcomes()
    plain, isolated = found.values()
    assert isolated == plain
    assert any('(number=0, text="it\'s")' in line for line in plain[0])
