"""The guard's rule of owners: who displaced a module, when that is judged, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import pytest

from ..suite import Suite, section

if TYPE_CHECKING:
    from ..installed import Installed

Run = Callable[..., pytest.RunResult]
MODES = ["restore", "error"]

# Runs last: the module is there, and it is the one that the session has always had.
AFTERWARDS = """
    import sys

    def test_afterwards(plainpkg):
        assert sys.modules["plainpkg"] is plainpkg
        import plainpkg as again
        assert again is plainpkg
        assert again.answer == 42
    """


class Leaky(NamedTuple):
    """A suite that leaves ``plainpkg`` displaced."""

    text: str
    """Of the file test_a.py."""
    owner: str
    """Who is blamed, as it is told."""
    culprit: str
    """What fails in mode ``error``."""
    passed: int
    """How many tests of test_a.py pass in both modes."""


IN_A_CALL = {
    "del": Leaky(
        """
        import sys

        def test_before(plainpkg): pass

        def test_evicts(plainpkg):
            del sys.modules["plainpkg"]

        def test_after(plainpkg):
            assert sys.modules["plainpkg"] is plainpkg
        """,
        "test_a.py::test_evicts",
        "test_a.py::test_evicts",
        3,
    ),
    "cleared": Leaky(
        """
        import sys

        def test_evicts(plainpkg):
            kept = {name: module for name, module in sys.modules.items() if name != "plainpkg"}
            sys.modules.clear()
            sys.modules.update(kept)
        """,
        "test_a.py::test_evicts",
        "test_a.py::test_evicts",
        1,
    ),
    "parametrised": Leaky(
        """
        import sys

        import pytest

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_evicts(plainpkg, number):
            assert sys.modules["plainpkg"] is plainpkg
            if number == 2:
                del sys.modules["plainpkg"]
        """,
        "test_a.py::test_evicts[2]",
        "test_a.py::test_evicts[2]",
        3,
    ),
    "first import in patch.dict": Leaky(
        """
        import sys
        from unittest import mock

        def test_patches():
            with mock.patch.dict(sys.modules):
                import plainpkg
            assert "plainpkg" not in sys.modules
        """,
        "test_a.py::test_patches",
        "test_a.py::test_patches",
        1,
    ),
    "first import under a decorator": Leaky(
        """
        import sys
        from unittest import mock

        @mock.patch.dict(sys.modules, {"not_there_at_all": None})
        def test_patches():
            import plainpkg
        """,
        "test_a.py::test_patches",
        "test_a.py::test_patches",
        1,
    ),
    "unittest": Leaky(
        """
        import sys
        import unittest

        class TestIt(unittest.TestCase):
            def test_evicts(self):
                import plainpkg
                del sys.modules["plainpkg"]

            def test_other(self):
                pass
        """,
        "test_a.py::TestIt::test_evicts",
        "test_a.py::TestIt::test_evicts",
        2,
    ),
    "undone by a fixture of another test": Leaky(
        """
        import sys

        import pytest

        removed = {}

        @pytest.fixture
        def mending():
            yield
            sys.modules.update(removed)

        def test_evicts(plainpkg):
            removed["plainpkg"] = sys.modules.pop("plainpkg")

        def test_mends(mending): pass
        """,
        "test_a.py::test_evicts",
        "test_a.py::test_evicts",
        2,
    ),
}

SETUP = """
import sys

import plainpkg
import pytest

@pytest.fixture({arguments})
def evicting():
    del sys.modules["plainpkg"]
    yield

class TestIt:
    def test_one(self, evicting): pass

    def test_two(self, evicting): pass
"""

FINALIZER = """
import sys

import plainpkg
import pytest

@pytest.fixture({arguments})
def evicting():
    yield
    del sys.modules["plainpkg"]

class TestIt:
    def test_one(self, evicting): pass

    def test_two(self, evicting): pass
"""

ONE, TWO = "test_a.py::TestIt::test_one", "test_a.py::TestIt::test_two"
NODES = {"class": "test_a.py::TestIt", "module": "test_a.py", "package": ".", "session": ""}


def _blamed(scope: str, phase: str) -> str:
    told = f"{phase} of fixture 'evicting'"
    return f"{NODES[scope]} ({told})" if NODES[scope] else told


IN_A_FIXTURE = {
    f"{phase}, scope {scope}": Leaky(
        text.format(arguments=f"scope={scope!r}"),
        _blamed(scope, phase),
        TWO,
        2,
    )
    for scope in ("class", "module", "package", "session")
    for phase, text in (("setup", SETUP), ("teardown", FINALIZER))
}
for _phase, _text in (("setup", SETUP), ("teardown", FINALIZER)):
    for _name, _arguments in (("function", ""), ("autouse", "autouse=True")):
        IN_A_FIXTURE[f"{_phase}, {_name}"] = Leaky(
            _text.format(arguments=_arguments).replace("def test_two(self, evicting)", "def test_two(self)")
            if _name == "function"
            else _text.format(arguments="scope='class', autouse=True").replace("(self, evicting)", "(self)"),
            f"{ONE} ({_phase} of fixture 'evicting')"
            if _name == "function"
            else f"test_a.py::TestIt ({_phase} of fixture 'evicting')",
            ONE if _name == "function" else TWO,
            2,
        )


@pytest.fixture
def run(suite: Suite, installed: Installed) -> Run:
    suite.declare("plainpkg")

    def run(*args: str) -> pytest.RunResult:
        return suite.run("-rfE", "--continue-on-collection-errors", *args, path=(installed.site,), **installed.environment)

    return run


def failures(result):
    return sorted(line.partition(" - ")[0] for line in result.outlines if line.startswith(("ERROR ", "FAILED ")))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("leaky", [pytest.param(v, id=k) for k, v in {**IN_A_CALL, **IN_A_FIXTURE}.items()])
def test_x(suite: Suite, run: Run, leaky: Leaky, mode: str) -> None:
    suite.tests(leaky.text, "test_a.py")
    suite.tests(AFTERWARDS, "test_z.py")
    result = run(f"--heavy-guard={mode}")
    assert [line for line in section(result) if "left by" in line] == [f"plainpkg: put back: left by {leaky.owner}"]
    assert suite.executions() == {"plainpkg": 1}
    if mode == "restore":
        result.assert_outcomes(passed=leaky.passed + 1, warnings=1)
    else:
        assert failures(result) == [f"ERROR {leaky.culprit}"]
        result.assert_outcomes(passed=leaky.passed + 1, errors=1)
