"""Beside syrupy, which reports and deletes, at the end, each snapshot that no test has used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.suite import usage_errors
from .isolating import WAYS, summary, write
from .others import needs

if TYPE_CHECKING:
    from ..support.suite import Suite

pytestmark = needs("syrupy")
SYRUPY = ("-p", "syrupy")
TESTS = """
    from syrupy.extensions.json import JSONSnapshotExtension
    from syrupy.extensions.single_file import SingleFileSnapshotExtension

    def test_here(snapshot):
        assert [1, 2] == snapshot

    @alone
    def test_alone(snapshot):
        assert {"zeros": [0, 0]} == snapshot
        assert "named" == snapshot(name="by name")

    @alone
    @pytest.mark.parametrize("number", [1, 2])
    def test_parameters(snapshot, number):
        assert number == snapshot

    @alone
    def test_other_files(snapshot):
        assert b"one file" == snapshot.use_extension(SingleFileSnapshotExtension)
        assert {"a": 1} == snapshot.use_extension(JSONSnapshotExtension)

    class Own(JSONSnapshotExtension):
        file_extension = "own"

    @alone
    def test_own_extension(snapshot):
        assert {"b": 2} == snapshot.use_extension(Own)

    @alone
    @pytest.mark.skip
    def test_skipped(snapshot): assert 1 == snapshot
    """


def files(suite: Suite) -> dict[str, bytes]:
    """All snapshots."""
    folder = suite.path / "__snapshots__"
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(("method", "workers"), WAYS)
def test_the_same_files_and_the_same_report(suite: Suite, method: str, workers: tuple[str, ...]) -> None:
    """What is created, used, unused, changed and deleted is what it would be without isolation."""
    runs = ("--snapshot-update",), (), ("--snapshot-update",), ("--snapshot-details",), ("--snapshot-update",)
    found = {}
    for how in ("", method):
        told = []
        for number, args in enumerate(runs):
            # At last a test has gone, and two snapshots are to change.
            text = TESTS if number < 3 else TESTS.replace('parametrize("number", [1, 2])', 'parametrize("number", [2])')
            write(suite, how, text.replace("[0, 0]", "[1, 1]") if number == 4 else text)
            result = suite.run(*SYRUPY, *workers, *args)
            told.append((result.ret, summary(result, "snapshots"), files(suite)))
        found[how] = told
        for file in (suite.path / "__snapshots__").rglob("*"):
            if file.is_file():
                file.unlink()
    assert found[method] == found[""]
    created, used, kept, unused, last = found[""]
    assert used[0] == 0 and created[2] == used[2] == kept[2]
    assert unused[0] == 1
    assert (
        b"zeros': list([\n      1," in last[2]["test_it.ambr"] and b"test_parameters[1]" not in last[2]["test_it.ambr"]
    )


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_test_that_dies(suite: Suite, method: str) -> None:
    """Nothing comes from it: no snapshot of others is changed by that."""
    write(suite, "", TESTS)
    suite.run(*SYRUPY, "--snapshot-update")
    before = files(suite)
    write(suite, method, TESTS.replace('assert {"a": 1}', 'import os; os.abort(); assert {"a": 1}'))
    suite.run(*SYRUPY).assert_outcomes(passed=5, failed=1, skipped=1)
    assert files(suite) == before


def test_a_version_that_has_changed(suite: Suite) -> None:
    """What it keeps can't be given to it: a line says so, and it is not to delete what an isolated test uses."""
    write(suite, "", TESTS)
    suite.run(*SYRUPY, "--snapshot-update")
    before = files(suite)
    suite.write("conftest.py", "import syrupy.extensions\n\ndel syrupy.extensions.DEFAULT_EXTENSION\n")
    write(suite, "fork", TESTS)
    lacking = "this version has no syrupy.extensions:DEFAULT_EXTENSION"
    result = suite.run(*SYRUPY)
    result.assert_outcomes(passed=6, skipped=1)
    assert f"heavy_isolated: syrupy loses what it keeps of isolated tests: {lacking}" in result.outlines
    assert usage_errors(suite.run(*SYRUPY, "--snapshot-update")) == [
        "--snapshot-update: syrupy would change snapshots without knowing what isolated tests have used: "
        f"{lacking}. Update those of other tests by --snapshot-update -m 'not heavy_isolated', "
        "without --heavy-isolate."
    ]
    assert files(suite) == before
    suite.run(*SYRUPY, "--snapshot-update", "-m", "not heavy_isolated").assert_outcomes(passed=1, deselected=6)
