"""Beside snapshottest, which isolated tests can't tell what they have used: it would delete that."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ..support.suite import usage_errors
from .isolating import write
from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

OLD = pytest.mark.skipif(sys.version_info >= (3, 12), reason="snapshottest 0.6.0 imports imp")
pytestmark = [needs("snapshottest"), OLD]
PLUGIN = ("-p", "snapshottest.pytest")
TESTS = """
    def test_here(snapshot): snapshot.assert_match("here")

    @alone
    def test_alone(snapshot): snapshot.assert_match("alone")

    @alone
    def test_other(): pass
    """


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_word_and_a_refusal(suite: Suite, method: str) -> None:
    """A line before the first test; with the option that deletes, no test is run and no file is changed."""
    write(suite, "", TESTS)
    suite.run(*PLUGIN, "--snapshot-update").assert_outcomes(passed=3)
    file = suite.path / "snapshots" / "snap_test_it.py"
    before = file.read_text()
    write(suite, method, TESTS)
    result = suite.run(*PLUGIN)
    told = "heavy_isolated: snapshottest loses something: of isolated tests, it does not see which snapshots are used*"
    result.stdout.fnmatch_lines([told, "test_it.py*"])
    assert usage_errors(suite.run(*PLUGIN, "--snapshot-update")) == [
        "--snapshot-update: snapshottest would delete snapshots that an isolated test uses, since it does not see that "
        "they are used. Update those of other tests by --snapshot-update -m 'not heavy_isolated', without "
        "--heavy-isolate."
    ]
    assert file.read_text() == before
