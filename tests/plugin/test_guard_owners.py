"""The guard's rule of owners: who displaced a module, when that is judged, and who is told."""

from __future__ import annotations

import re
import textwrap
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

import pytest

from ..support.guarded import AFTERWARDS, MODES, Guarded, failures, owners_told, told

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite


@pytest.fixture
def guarded(suite: Suite, installed: Installed) -> Guarded:
    """A suite where ``plainpkg`` is protected."""
    return Guarded(suite, installed)


class Leaky(NamedTuple):
    """A suite that leaves ``plainpkg`` displaced."""

    text: str
    """Its test file."""
    owner: str
    """Who is blamed, as it is told."""
    failing: str
    """The test that has an error in mode ``error``."""
    passing: int
    """How many of its tests pass, in both modes."""


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
        owner="test_a.py::test_evicts",
        failing="test_a.py::test_evicts",
        passing=3,
    ),
    "clear and refill without it": Leaky(
        """
        import sys

        def test_evicts(plainpkg):
            rest = {name: module for name, module in sys.modules.items() if name != "plainpkg"}
            sys.modules.clear()
            sys.modules.update(rest)
        """,
        owner="test_a.py::test_evicts",
        failing="test_a.py::test_evicts",
        passing=1,
    ),
    "one parameter of three": Leaky(
        """
        import sys

        import pytest

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_evicts(plainpkg, number):
            assert sys.modules["plainpkg"] is plainpkg
            if number == 2:
                del sys.modules["plainpkg"]
        """,
        owner="test_a.py::test_evicts[2]",
        failing="test_a.py::test_evicts[2]",
        passing=3,
    ),
    "first import inside patch.dict": Leaky(
        """
        import sys
        from unittest import mock

        def test_patches():
            with mock.patch.dict(sys.modules):
                import plainpkg
            assert "plainpkg" not in sys.modules
        """,
        owner="test_a.py::test_patches",
        failing="test_a.py::test_patches",
        passing=1,
    ),
    "first import under patch.dict as a decorator": Leaky(
        """
        import sys
        from unittest import mock

        @mock.patch.dict(sys.modules, {"not_there_at_all": None})
        def test_patches():
            import plainpkg
        """,
        owner="test_a.py::test_patches",
        failing="test_a.py::test_patches",
        passing=1,
    ),
    "a method of a TestCase": Leaky(
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
        owner="test_a.py::TestIt::test_evicts",
        failing="test_a.py::TestIt::test_evicts",
        passing=2,
    ),
    "mended too late, by another test's fixture": Leaky(
        """
        import sys

        import pytest

        taken = {}

        @pytest.fixture
        def mending():
            yield
            sys.modules.update(taken)

        def test_evicts(plainpkg):
            taken["plainpkg"] = sys.modules.pop("plainpkg")

        def test_mends(mending): pass
        """,
        owner="test_a.py::test_evicts",
        failing="test_a.py::test_evicts",
        passing=2,
    ),
}

FIXTURE = """
import sys

import plainpkg
import pytest

@pytest.fixture({arguments})
def evicting({request}):
    {body}

class TestIt:
    def test_one(self, evicting): pass

    def test_two(self{second}): pass
"""

BODIES = {
    "setup": 'del sys.modules["plainpkg"]\n    yield',
    "teardown": 'yield\n    del sys.modules["plainpkg"]',
}


def _with_fixture(
    phase: str,
    arguments: str,
    node: str,
    failing: str,
    *,
    second: str = ", evicting",
    request: str = "",
    body: str = "",
    passing: int = 2,
) -> Leaky:
    text = FIXTURE.format(arguments=arguments, body=body or BODIES[phase], second=second, request=request)
    place = f"{phase} of fixture 'evicting'"
    return Leaky(text, f"{node} ({place})", failing, passing)


ONE, TWO = "test_a.py::TestIt::test_one", "test_a.py::TestIt::test_two"

IN_A_FIXTURE = {
    f"{phase}, {name}": _with_fixture(phase, arguments, node, failing, **more)
    for phase in BODIES
    for name, arguments, node, failing, more in (
        ("scope function", "", ONE, ONE, {"second": ""}),
        ("scope class", "scope='class'", "test_a.py::TestIt", TWO, {}),
        ("scope class, autouse", "scope='class', autouse=True", "test_a.py::TestIt", TWO, {"second": ""}),
        ("scope module", "scope='module'", "test_a.py", TWO, {}),
    )
} | {
    "teardown of the second parameter": _with_fixture(
        "teardown",
        "scope='module', params=['a', 'b']",
        "test_a.py",
        f"{TWO}[b]",
        request="request",
        body="yield\n    if request.param == 'b': del sys.modules['plainpkg']",
        passing=4,
    ),
    "teardown of the first parameter": _with_fixture(
        "teardown",
        "scope='module', params=['a', 'b']",
        "test_a.py",
        f"{ONE}[b]",
        request="request",
        body="yield\n    if request.param == 'a': del sys.modules['plainpkg']",
        passing=4,
    ),
    "request.addfinalizer": _with_fixture(
        "teardown",
        "scope='module'",
        "test_a.py",
        TWO,
        request="request",
        body="request.addfinalizer(lambda: sys.modules.pop('plainpkg'))",
    ),
}


def _check(guarded: Guarded, leaky: Leaky, mode: str) -> None:
    """The culprit, and nobody else, is told; everybody passes; the module is the same one, executed once."""
    guarded.suite.tests(leaky.text, "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode)
    assert owners_told(result) == [f"{leaky.owner}: left plainpkg displaced: put back"]
    assert guarded.suite.executions() == {"plainpkg": 1}
    text = result.stdout.str()
    assert re.search(rf"^ +taken by: test_a\.py:\d+, in {re.escape(leaky.owner)}$", text, re.MULTILINE)
    if mode == "restore":
        assert failures(result) == []
        result.assert_outcomes(passed=leaky.passing + 1, warnings=1)
        result.stdout.fnmatch_lines([leaky.failing.replace("[", "[[]"), "*HeavyImportWarning: 'plainpkg' was *"])
    else:
        assert failures(result) == [f"ERROR {leaky.failing}"]
        result.assert_outcomes(passed=leaky.passing + 1, errors=1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", IN_A_CALL)
def test_a_test_owns_what_its_call_displaces(guarded: Guarded, case: str, mode: str) -> None:
    """What is displaced during a test's call, and not put back, is that test's leak."""
    _check(guarded, IN_A_CALL[case], mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", IN_A_FIXTURE)
def test_a_fixture_owns_what_its_setup_and_finalizer_displace(guarded: Guarded, case: str, mode: str) -> None:
    """The fixture is named, with its phase and the node that it belongs to; the test that tears it down is told."""
    _check(guarded, IN_A_FIXTURE[case], mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_shared_fixture_that_ends_in_the_setup_of_the_next_test(guarded: Guarded, mode: str) -> None:
    """It owns a part of a package too, which is seen only where all modules are looked at."""
    guarded.suite.tests(
        """
        import sys

        import plainpkg.part
        import pytest

        @pytest.fixture(scope="module", params=["a", "b"])
        def evicting(request):
            yield
            if request.param == "a":
                del sys.modules["plainpkg.part"]

        def test_one(evicting): pass
        """
    )
    result = guarded.run(mode)
    assert owners_told(result) == [
        "test_it.py (teardown of fixture 'evicting'): left plainpkg.part displaced: put back"
    ]


def test_who_was_refused_while_collecting_is_reported_once(guarded: Guarded) -> None:
    """By the error of the file: what it has left displaced is put back, and not reported as well."""
    guarded.suite.tests(
        """
        import sys

        import plainpkg

        del sys.modules["plainpkg"]
        import plainpkg
        """
    )
    result = guarded.run("error")
    result.assert_outcomes(errors=1)
    assert len(owners_told(result)) == 1
    assert "displaced" not in result.stdout.str()


def test_who_was_refused_while_it_ends_is_reported_once(guarded: Guarded) -> None:
    """The same in a fixture's teardown."""
    guarded.suite.tests(
        """
        import sys

        import pytest

        @pytest.fixture
        def again(plainpkg):
            yield
            del sys.modules["plainpkg"]
            import plainpkg

        def test_it(again): pass
        """
    )
    result = guarded.run("error")
    result.assert_outcomes(passed=1, errors=1)
    assert len(owners_told(result)) == 1


def test_the_mark_lifts_the_guard_for_the_test_and_its_own_fixtures(guarded: Guarded) -> None:
    """What a shared fixture leaves displaced is reported, though the test that tears it down has the mark."""
    guarded.suite.declare("plainpkg", "cvlike")
    guarded.suite.tests(
        """
        import sys

        import cvlike
        import pytest

        @pytest.fixture(scope="module")
        def shared():
            yield
            del sys.modules["cvlike"]

        @pytest.fixture
        def own(plainpkg):
            yield
            del sys.modules["plainpkg"]

        @pytest.mark.heavy_guard("off")
        def test_lifted(shared, own):
            del sys.modules["plainpkg"]
            import plainpkg
        """
    )
    result = guarded.run("error")
    assert owners_told(result) == ["test_it.py (teardown of fixture 'shared'): left cvlike displaced: put back"]
    result.assert_outcomes(passed=1, errors=1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("phase", BODIES)
def test_a_package_owns_its_fixture(guarded: Guarded, phase: str, mode: str) -> None:
    """A fixture of scope package, which a package's ``conftest.py`` has, is judged when the package is done."""
    fixture = FIXTURE.format(arguments="scope='package'", body=BODIES[phase], second="", request="")
    guarded.suite.write("part/__init__.py", "")
    guarded.suite.write("part/conftest.py", fixture.partition("class")[0])
    guarded.suite.tests("def test_it(evicting): pass\n", "part/test_one.py")
    guarded.suite.tests("def test_it(): pass\n", "part/test_two.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode)
    assert owners_told(result) == [f"part ({phase} of fixture 'evicting'): left plainpkg displaced: put back"]
    assert guarded.suite.executions() == {"plainpkg": 1}
    assert failures(result) == ([] if mode == "restore" else ["ERROR part/test_two.py::test_it"])
    assert result.parseoutcomes()["passed"] == 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("phase", BODIES)
def test_a_session_fixture_is_judged_by_the_last_test(guarded: Guarded, phase: str, mode: str) -> None:
    """Its finalizer runs after the last test, which is told; the fixture is blamed, with its line."""
    fixture = FIXTURE.format(arguments="scope='session'", body=BODIES[phase], second="", request="")
    guarded.suite.tests(fixture, "test_a.py")
    guarded.suite.tests("def test_last(): pass\n", "test_z.py")
    result = guarded.run(mode)
    line = {"setup": 8, "teardown": 9}[phase]
    assert told(result) == [f"test_a.py:{line}, in {phase} of fixture 'evicting': left plainpkg displaced: put back"]
    if mode == "restore":
        result.assert_outcomes(passed=3, warnings=1)
    else:
        assert failures(result) == ["ERROR test_z.py::test_last"]
        result.assert_outcomes(passed=3, errors=1)


XUNIT = {
    "setUpClass": (
        """
        import sys
        import unittest

        import plainpkg

        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                del sys.modules["plainpkg"]

            def test_it(self): pass
        """,
        "test_a.py::TestIt (setup of fixture '*setUpClass*')",
    ),
    "tearDownClass": (
        """
        import sys
        import unittest

        import plainpkg

        class TestIt(unittest.TestCase):
            @classmethod
            def tearDownClass(cls):
                del sys.modules["plainpkg"]

            def test_it(self): pass
        """,
        "test_a.py::TestIt (teardown of fixture '*setUpClass*')",
    ),
    "setUpModule": (
        """
        import sys

        import plainpkg

        def setUpModule():
            del sys.modules["plainpkg"]

        class TestIt:
            def test_it(self): pass
        """,
        "test_a.py (setup of fixture '*setup_module*')",
    ),
    "tearDownModule": (
        """
        import sys

        import plainpkg

        def tearDownModule():
            del sys.modules["plainpkg"]

        class TestIt:
            def test_it(self): pass
        """,
        "test_a.py (teardown of fixture '*setup_module*')",
    ),
    "setup_method": (
        """
        import sys

        import plainpkg

        class TestIt:
            def setup_method(self):
                del sys.modules["plainpkg"]

            def test_it(self): pass
        """,
        "test_a.py::TestIt::test_it (setup of fixture '*setup_method*')",
    ),
    "setUp": (
        """
        import sys
        import unittest

        import plainpkg

        class TestIt(unittest.TestCase):
            def setUp(self):
                del sys.modules["plainpkg"]

            def test_it(self): pass
        """,
        "test_a.py::TestIt::test_it",
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", XUNIT)
def test_xunit_style_is_a_fixture(guarded: Guarded, case: str, mode: str) -> None:
    """pytest makes fixtures of ``setUpClass`` and its like; ``setUp`` belongs to its test."""
    text, owner = XUNIT[case]
    guarded.suite.tests(text, "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode)
    (line,) = owners_told(result)
    assert fnmatchcase(line, f"{owner}: left plainpkg displaced: put back")
    assert guarded.suite.executions() == {"plainpkg": 1}
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py::TestIt::test_it"])
    assert result.parseoutcomes()["passed"] == 2


COLLECTED = {
    "top of the file": """
        import sys

        import plainpkg

        del sys.modules["plainpkg"]

        def test_it(): pass
        """,
    "first import inside patch.dict": """
        import sys
        from unittest import mock

        with mock.patch.dict(sys.modules, {"not_there_at_all": None}):
            import plainpkg

        def test_it(): pass
        """,
    "pytest_generate_tests": """
        import sys

        import plainpkg

        def pytest_generate_tests(metafunc):
            sys.modules.pop("plainpkg", None)

        def test_it(): pass
        """,
    "body of a class": """
        import sys

        import plainpkg

        class TestIt:
            sys.modules.pop("plainpkg")

            def test_it(self): pass
        """,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", COLLECTED)
def test_a_file_owns_what_its_collection_displaces(guarded: Guarded, case: str, mode: str) -> None:
    """The file is told; in mode ``error`` its tests don't run, and those of the others do."""
    guarded.suite.tests(COLLECTED[case], "test_a.py")
    guarded.suite.tests("import plainpkg\n" + textwrap.dedent(AFTERWARDS), "test_z.py")
    result = guarded.run(mode)
    assert owners_told(result) == ["test_a.py (collection): left plainpkg displaced: put back"]
    assert guarded.suite.executions() == {"plainpkg": 1}
    if mode == "restore":
        result.assert_outcomes(passed=2, warnings=1)
        result.stdout.fnmatch_lines(["*test_a.py:1: HeavyImportWarning: 'plainpkg' was thrown out of sys.modules, *"])
    else:
        assert failures(result) == ["ERROR test_a.py"]
        result.assert_outcomes(passed=1, errors=1)


@pytest.mark.parametrize("mode", MODES)
def test_a_conftest_in_a_directory_owns_what_its_import_displaces(guarded: Guarded, mode: str) -> None:
    """The directory is told, since pytest reads its ``conftest.py`` while it collects; others run."""
    guarded.suite.write("part/conftest.py", 'import sys\n\nimport plainpkg\n\ndel sys.modules["plainpkg"]\n')
    guarded.suite.tests("def test_it(): pass\n", "part/test_it.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode)
    assert told(result) == ["part/conftest.py:5, in part (collection): left plainpkg displaced: put back"]
    assert guarded.suite.executions() == {"plainpkg": 1}
    if mode == "restore":
        result.assert_outcomes(passed=2, warnings=1)
    else:
        assert failures(result) == ["ERROR part"]
        result.assert_outcomes(passed=1, errors=1)


@pytest.mark.parametrize("mode", MODES)
def test_a_doctest_owns_what_it_displaces(guarded: Guarded, mode: str) -> None:
    """A doctest, in a module or a text file, is a test like any other."""
    guarded.suite.write(
        "documented.py",
        """
        def evict():
            \"""
            >>> import sys, plainpkg
            >>> _ = sys.modules.pop("plainpkg")
            \"""
        """,
    )
    guarded.suite.write("test_text.txt", ">>> import plainpkg, sys\n>>> _ = sys.modules.pop('plainpkg')\n")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, "--doctest-modules", "documented.py", "test_text.txt", "test_z.py")
    culprits = ["documented.py::documented.evict", "test_text.txt::test_text.txt"]
    assert told(result) == [f"{culprit}: left plainpkg displaced: put back" for culprit in culprits]
    assert guarded.suite.executions() == {"plainpkg": 1}
    assert failures(result) == ([] if mode == "restore" else [f"ERROR {culprit}" for culprit in culprits])
    assert result.parseoutcomes()["passed"] == 3


@pytest.mark.parametrize("mode", MODES)
def test_before_collection_nobody_fails(guarded: Guarded, mode: str) -> None:
    """What the root ``conftest.py`` has displaced is put back and told at the end; nobody is refused or fails."""
    guarded.suite.write(
        "conftest.py",
        'import sys\n\nimport plainpkg\n\ndel sys.modules["plainpkg"]\nimport plainpkg\ndel sys.modules["plainpkg"]\n',
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, "-W", "error")
    result.assert_outcomes(passed=1)
    assert owners_told(result)[-1] == "before collection: left plainpkg displaced: put back"
    assert guarded.suite.executions() == {"plainpkg": 1}


SILENT = {
    "monkeypatch": """
        def test_it(monkeypatch, plainpkg):
            monkeypatch.delitem(sys.modules, "plainpkg")
            assert "plainpkg" not in sys.modules
        """,
    "monkeypatch with a fake": """
        def test_it(monkeypatch, plainpkg):
            monkeypatch.setitem(sys.modules, "plainpkg", mock.MagicMock())
            import plainpkg as fake
            assert isinstance(fake, mock.MagicMock)
        """,
    "not installed": """
        def test_it(monkeypatch, plainpkg):
            monkeypatch.setitem(sys.modules, "plainpkg", None)
            with pytest.raises(ModuleNotFoundError):
                import plainpkg.part
        """,
    "monkeypatch for a module": """
        import plainpkg

        @pytest.fixture(scope="module", autouse=True)
        def fake():
            with pytest.MonkeyPatch.context() as patch:
                fake = types.ModuleType("plainpkg")
                patch.setitem(sys.modules, "plainpkg", fake)
                yield fake

        def test_one(fake):
            import plainpkg
            assert plainpkg is fake

        def test_two(fake):
            import plainpkg
            assert plainpkg is fake
        """,
    "monkeypatch in a fixture": """
        import plainpkg

        @pytest.fixture
        def fake(monkeypatch):
            monkeypatch.setitem(sys.modules, "plainpkg", mock.MagicMock())
            yield

        @pytest.fixture
        def missing(monkeypatch):
            monkeypatch.delitem(sys.modules, "plainpkg")

        def test_fake(fake):
            assert isinstance(sys.modules["plainpkg"], mock.MagicMock)

        def test_missing(missing):
            assert "plainpkg" not in sys.modules
        """,
    "a fixture of a module that another one undoes": """
        import plainpkg

        @pytest.fixture(scope="module")
        def patches():
            with pytest.MonkeyPatch.context() as patch:
                yield patch

        @pytest.fixture(scope="module")
        def fake(patches):
            patches.setitem(sys.modules, "plainpkg", mock.MagicMock())

        def test_one(fake):
            assert isinstance(sys.modules["plainpkg"], mock.MagicMock)

        def test_two(fake):
            assert isinstance(sys.modules["plainpkg"], mock.MagicMock)
        """,
    "module missing for a class": """
        import plainpkg

        @pytest.fixture(scope="class")
        def without():
            module = sys.modules.pop("plainpkg")
            yield
            sys.modules["plainpkg"] = module

        @pytest.mark.usefixtures("without")
        class TestIt:
            def test_one(self):
                assert "plainpkg" not in sys.modules

            def test_two(self):
                assert "plainpkg" not in sys.modules
        """,
    "parametrised fixture": """
        import plainpkg

        @pytest.fixture(scope="module", params=["missing", "fake", "real"])
        def state(request):
            with mock.patch.dict(sys.modules):
                if request.param == "missing":
                    del sys.modules["plainpkg"]
                elif request.param == "fake":
                    sys.modules["plainpkg"] = mock.MagicMock()
                yield request.param

        def test_it(state):
            assert state in ("missing", "fake", "real")
        """,
    "patch.dict as a decorator": """
        import plainpkg

        @mock.patch.dict(sys.modules, {"plainpkg": None})
        def test_it():
            with pytest.raises(ModuleNotFoundError):
                import plainpkg
        """,
    "patch.dict on a TestCase": """
        import plainpkg

        @mock.patch.dict(sys.modules, {"plainpkg": None})
        class TestIt(unittest.TestCase):
            def test_it(self):
                assert sys.modules["plainpkg"] is None
        """,
    "setUpClass and tearDownClass": """
        import plainpkg

        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.module = sys.modules.pop("plainpkg")

            @classmethod
            def tearDownClass(cls):
                sys.modules["plainpkg"] = cls.module

            def test_it(self):
                assert "plainpkg" not in sys.modules
        """,
    "setUpModule and tearDownModule": """
        import plainpkg

        taken = []

        def setUpModule():
            taken.append(sys.modules.pop("plainpkg"))

        def tearDownModule():
            sys.modules["plainpkg"] = taken.pop()

        def test_it():
            assert "plainpkg" not in sys.modules
        """,
    "addCleanup": """
        import plainpkg

        class TestIt(unittest.TestCase):
            def test_it(self):
                self.addCleanup(sys.modules.__setitem__, "plainpkg", sys.modules.pop("plainpkg"))
        """,
    "cleared and refilled": """
        def test_it(plainpkg):
            before = dict(sys.modules)
            sys.modules.clear()
            sys.modules.update(before)
        """,
    "replaced by a copy": """
        def test_it(monkeypatch, plainpkg):
            monkeypatch.setattr(sys, "modules", dict(sys.modules))
            del sys.modules["plainpkg"]
            import json
        """,
    "while collecting": """
        import plainpkg

        with mock.patch.dict(sys.modules, {"plainpkg": None}):
            try:
                import plainpkg
            except ImportError:
                has_it = False

        def test_it():
            assert not has_it
        """,
    "evicted, and put back by the test": """
        def test_it(plainpkg):
            module = sys.modules.pop("plainpkg")
            try:
                assert "plainpkg" not in sys.modules
            finally:
                sys.modules["plainpkg"] = module
        """,
    "a fixture takes what another one gives back": """
        import plainpkg

        @pytest.fixture
        def outer():
            yield
            sys.modules["plainpkg"] = plainpkg

        def test_it(outer):
            del sys.modules["plainpkg"]
        """,
}
HEADER = "import sys\nimport types\nimport unittest\nfrom unittest import mock\n\nimport pytest\n\n"


@pytest.mark.parametrize("case", SILENT)
def test_what_is_undone_in_time_is_nobodys_business(guarded: Guarded, case: str) -> None:
    """A displacement that has ended before its owner does is not told, and nothing comes back unasked."""
    guarded.suite.tests(HEADER + textwrap.dedent(SILENT[case]), "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("error", "-W", "error")
    assert failures(result) == []
    assert told(result) == []
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_restore_is_as_silent(guarded: Guarded) -> None:
    """The same ones, all in one session, with mode ``restore``."""
    for number, text in enumerate(SILENT.values()):
        guarded.suite.tests(HEADER + textwrap.dedent(text), f"test_{number}.py")
    result = guarded.run("restore", "-W", "error")
    assert failures(result) == []
    assert told(result) == []
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_a_re_import_by_another_is_given_back(guarded: Guarded) -> None:
    """While a module fixture keeps the module away, its tests get it back when they ask for it, in both modes."""
    guarded.suite.tests(
        """
        import sys

        import plainpkg as first
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def without():
            with pytest.MonkeyPatch.context() as patch:
                patch.delitem(sys.modules, "plainpkg")
                yield

        def test_light():
            assert "plainpkg" not in sys.modules

        def test_heavy():
            import plainpkg
            assert plainpkg is first
        """
    )
    for mode in MODES:
        result = guarded.run(mode, "-W", "error")
        result.assert_outcomes(passed=2)
        assert told(result) == [
            "test_it.py:16, in test_it.py::test_heavy (call): plainpkg imported again, "
            "taken by test_it.py:9, in test_it.py (setup of fixture 'without'): given back"
        ]
    assert guarded.suite.executions() == {"plainpkg": 2}, "once a session"


REFUSED = {
    "a test": (
        """
        import sys

        def test_it(plainpkg):
            del sys.modules["plainpkg"]
            import plainpkg
        """,
        "FAILED test_it.py::test_it",
    ),
    "a test, for its fixture": (
        """
        import sys

        import plainpkg
        import pytest

        @pytest.fixture
        def without():
            del sys.modules["plainpkg"]

        def test_it(without):
            import plainpkg
        """,
        "FAILED test_it.py::test_it",
    ),
    "a test under monkeypatch": (
        """
        import sys

        import plainpkg

        def test_it(monkeypatch):
            monkeypatch.delitem(sys.modules, "plainpkg")
            import plainpkg
        """,
        "FAILED test_it.py::test_it",
    ),
    "a fixture": (
        """
        import sys

        import plainpkg
        import pytest

        @pytest.fixture(scope="module")
        def fresh():
            with pytest.MonkeyPatch.context() as patch:
                patch.delitem(sys.modules, "plainpkg")
                import plainpkg
                yield plainpkg

        def test_it(fresh): pass
        """,
        "ERROR test_it.py::test_it",
    ),
    "a file": (
        """
        import sys

        import plainpkg

        sys.modules.pop("plainpkg")
        import plainpkg

        def test_it(): pass
        """,
        "ERROR test_it.py",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_culprit_is_refused_in_error(guarded: Guarded, case: str) -> None:
    """Who has taken the module away gets ReimportRefused at the import, nothing is executed, and others pass."""
    text, failing = REFUSED[case]
    guarded.suite.tests(text)
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("error")
    failed = failures(result)
    assert failed[0] == failing
    assert {line.partition(" ")[2] for line in failed} == {failing.partition(" ")[2]}
    result.stdout.fnmatch_lines(
        ["*ReimportRefused: 'plainpkg' was about to be initialised a second time in this process."]
    )
    assert result.parseoutcomes()["passed"] == 1
    assert guarded.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("case", REFUSED)
def test_restore_gives_back_to_the_culprit_too(guarded: Guarded, case: str) -> None:
    """In mode ``restore`` the import gives the module that was there."""
    guarded.suite.tests(REFUSED[case][0])
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("restore", "-W", "error")
    result.assert_outcomes(passed=2)
    (line,) = told(result)
    assert line.startswith("test_it.py:") and line.endswith(": given back")
    assert guarded.suite.executions() == {"plainpkg": 1}


def test_the_first_failure_stops_with_x(guarded: Guarded) -> None:
    """``-x`` stops at the culprit, whose error is a failure like any other."""
    guarded.suite.tests('import sys\n\ndef test_evicts(plainpkg):\n    del sys.modules["plainpkg"]\n', "test_a.py")
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run("error", "-x")
    assert failures(result) == ["ERROR test_a.py::test_evicts"]
    result.assert_outcomes(passed=1, errors=1)


@pytest.mark.skipif(pytest.version_tuple < (8, 3), reason="finalized after the last report")
def test_what_x_stops_is_still_torn_down_and_judged(guarded: Guarded) -> None:
    """After ``-x`` fixtures are finalized early: what one leaves is told with the test that was the last."""
    guarded.suite.tests(
        """
        import sys

        import plainpkg
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def evicting():
            yield
            del sys.modules["plainpkg"]

        def test_fails():
            assert not plainpkg

        def test_never_runs(): pass
        """
    )
    result = guarded.run("error", "-x")
    assert failures(result) == ["FAILED test_it.py::test_fails", "ERROR test_it.py::test_fails"]
    assert told(result) == [
        "test_it.py:9, in test_it.py (teardown of fixture 'evicting'): left plainpkg displaced: put back"
    ]


@pytest.mark.parametrize("mode", MODES)
def test_workers_of_xdist_have_a_guard_each(guarded: Guarded, mode: str) -> None:
    """Under ``-n 2`` culprits are told as without it, victims pass, and each process executes the module once."""
    pytest.importorskip("xdist")
    guarded.suite.tests(
        """
        import sys

        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_it(plainpkg, number):
            assert sys.modules["plainpkg"] is plainpkg
            if number % 4 == 0:
                del sys.modules["plainpkg"]
        """
    )
    result = guarded.run(mode, "-p", "xdist", "-n", "2")
    if mode == "restore":
        result.assert_outcomes(passed=8, warnings=2)
    else:
        assert sorted(failures(result)) == ["ERROR test_it.py::test_it[0]", "ERROR test_it.py::test_it[4]"]
        result.assert_outcomes(passed=8, errors=2)
    processes = guarded.suite.executing_processes()
    assert len(set(processes)) == len(processes)


@pytest.mark.parametrize("mode", MODES)
def test_a_session_inside_a_session_has_owners_of_its_own(guarded: Guarded, mode: str) -> None:
    """A leak in an inner session is told there, once; the outer one's test that started it is no culprit."""
    guarded.suite.tests(
        """
        import sys

        def test_inner_evicts():
            import plainpkg
            del sys.modules["plainpkg"]

        def test_inner_victim():
            import plainpkg
        """,
        "inner/test_inner.py",
    )
    guarded.suite.tests(
        f"""
        import sys

        import pytest

        def test_session(plainpkg):
            plugin = ["-p", "pytest_heavyimports.plugin", "-p", "no:cacheprovider", "-p", "no:terminal"]
            status = pytest.main([*plugin, "--heavy-guard={mode}", "inner"])
            assert status == {0 if mode == "restore" else 1}
            assert sys.modules["plainpkg"] is plainpkg
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, "test_a.py", "test_z.py")
    result.assert_outcomes(passed=2)
    assert told(result) == []
    assert guarded.suite.executions() == {"plainpkg": 1}


@pytest.mark.parametrize("mode", MODES)
def test_an_inner_session_that_evicts_for_good(guarded: Guarded, mode: str) -> None:
    """pytester's in-process run throws out what came in during it: a leak of the test that ran it."""
    guarded.suite.tests(
        """
        def test_session(pytester):
            pytester.makepyfile("def test_it(): import plainpkg")
            result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
            result.assert_outcomes(passed=1)
        """,
        "test_a.py",
    )
    guarded.suite.tests(AFTERWARDS, "test_z.py")
    result = guarded.run(mode, "-p", "pytester")
    assert told(result) == ["test_a.py:3, in test_a.py::test_session: left plainpkg displaced: put back"]
    assert failures(result) == ([] if mode == "restore" else ["ERROR test_a.py::test_session"])
    assert result.parseoutcomes()["passed"] == 2
    assert guarded.suite.executions() == {"plainpkg": 1}
