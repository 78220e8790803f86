"""The code under test, where it was first imported while a fake of a protected package was in place."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES, Guarded, failures, told

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

FAKED = """
    import sys
    from unittest.mock import MagicMock

    def test_with_a_fake(monkeypatch):
        monkeypatch.setitem(sys.modules, "plainpkg", MagicMock())
        {imports}
    """
REAL = """
    def test_has_the_real_one():
        import app.model
        import app.service
        assert app.model.plainpkg.answer == 42
        assert app.service.read() == 42
    """


@pytest.fixture
def guarded(suite: Suite, installed: Installed) -> Guarded:
    """Code under test that uses ``plainpkg``, which is protected."""
    guarded = Guarded(suite, installed)
    suite.write("pytest.ini", "[pytest]\npythonpath = .\nheavy_modules = plainpkg\n")
    suite.write("app/__init__.py", "")
    suite.write("app/model.py", "import plainpkg\n\ndef read():\n    return plainpkg.answer\n")
    suite.write("app/service.py", "from .model import read\n")
    return guarded


@pytest.mark.parametrize("mode", MODES)
def test_it_is_imported_anew(guarded: Guarded, mode: str) -> None:
    """With what has taken something from it; who put the fake in is named, and fails in mode ``error`` alone."""
    guarded.suite.tests(FAKED.format(imports="import app.service"), "test_a.py")
    guarded.suite.tests(REAL, "test_b.py")
    result = guarded.run(mode)
    assert failures(result) == (["ERROR test_a.py::test_with_a_fake"] if mode == "error" else [])
    assert told(result) == [
        "test_a.py:5, in test_a.py::test_with_a_fake: put in a fake of plainpkg, kept by app.model, app.service: "
        "taken out"
    ]
    result.stdout.fnmatch_lines(
        [
            "*'app.model' and 'app.service' have kept a fake of 'plainpkg', which was in place at the first import. "
            "The next import executes them anew.",
            "*fake by: test_a.py:5, in test_a.py::test_with_a_fake",
        ]
    )


def test_without_the_guard_it_keeps_the_fake(guarded: Guarded) -> None:
    """Every later test has it."""
    guarded.suite.tests(FAKED.format(imports="import app.service"), "test_a.py")
    guarded.suite.tests(REAL, "test_b.py")
    assert failures(guarded.run("off")) == ["FAILED test_b.py::test_has_the_real_one"]


def test_what_has_taken_nothing_of_it_stays(guarded: Guarded) -> None:
    """Mocks of its own are none of it, nor are parts that were imported before."""
    guarded.suite.write("app/early.py", "import plainpkg\n")
    guarded.suite.write("app/light.py", "from unittest.mock import MagicMock, call\n\nown = MagicMock()\n")
    guarded.suite.tests(FAKED.format(imports="import app.light, app.early"), "test_a.py")
    guarded.suite.tests(
        """
        import app.early

        def test_stays():
            import sys
            assert sys.modules["app.early"] is app.early
            assert app.light is sys.modules["app.light"]
        """,
        "test_b.py",
    )
    result = guarded.run("error")
    result.assert_outcomes(passed=2)
    assert told(result) == []


def test_it_stays_with_a_file_that_leaves_its_fake(guarded: Guarded) -> None:
    """The file's own tests have the module with the fake, others the module with the real package."""
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        fake = sys.modules["plainpkg"] = MagicMock(answer=1)
        from app.model import read

        def test_has_its_fake():
            import app.model
            assert app.model.plainpkg is fake
            assert read is app.model.read
            assert read() == 1

        def test_imports_more_with_it():
            from app import service
            assert service.read() == 1
        """,
        "test_a.py",
    )
    guarded.suite.tests(REAL, "test_b.py")
    result = guarded.run("restore")
    result.assert_outcomes(passed=3, warnings=1)
    assert told(result) == ["test_a.py:4, in test_a.py (collection): left a fake of plainpkg: taken away"]


def test_it_is_left_where_somebody_else_holds_it(guarded: Guarded) -> None:
    """Two copies of it would be worse than one with a fake."""
    guarded.suite.write(
        "app/main.py",
        "from importlib import import_module\n\ndef start():\n    global model\n"
        "    model = import_module('app.model')\n",
    )
    guarded.suite.tests(FAKED.format(imports="import app.main; app.main.start()"), "test_a.py")
    guarded.suite.tests(
        """
        import app.main

        def test_is_one_module():
            import app.model
            assert app.main.model is app.model
        """,
        "test_b.py",
    )
    result = guarded.run("restore")
    result.assert_outcomes(passed=2, warnings=1)
    assert told(result) == [
        "test_a.py:5, in test_a.py::test_with_a_fake: put in a fake of plainpkg, kept by app.model: left alone"
    ]
    result.stdout.fnmatch_lines(["*'app.model' is left as before, since 'app.main' uses it."])


def test_what_can_not_be_executed_again_comes_back(guarded: Guarded) -> None:
    """As without the guard: it registers something that can be registered once."""
    guarded.suite.write("app/names.py", "known = set()\n")
    guarded.suite.write(
        "app/metrics.py",
        "import plainpkg\nfrom .names import known\n\nassert 'metric' not in known\nknown.add('metric')\n",
    )
    guarded.suite.tests(FAKED.format(imports="import app.metrics"), "test_a.py")
    guarded.suite.tests(
        """
        import app.names

        def test_uses_it():
            import app.metrics
            assert "metric" in app.metrics.known
            assert app.metrics.__name__ == "app.metrics"
        """,
        "test_b.py",
    )
    guarded.run("restore").assert_outcomes(passed=2, warnings=1)


def test_a_fake_of_a_part(guarded: Guarded) -> None:
    """The package is there, and the fake is of a part of it."""
    guarded.suite.write("app/model.py", "import plainpkg.part as plainpkg\n\ndef read():\n    return plainpkg.answer\n")
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock

        import plainpkg.part

        def test_with_a_fake(monkeypatch):
            fake = MagicMock()
            monkeypatch.setitem(sys.modules, "plainpkg.part", fake)
            monkeypatch.setattr(plainpkg, "part", fake)
            import app.service
        """,
        "test_a.py",
    )
    guarded.suite.tests(REAL, "test_b.py")
    result = guarded.run("restore")
    result.assert_outcomes(passed=2, warnings=1)
    assert "put in a fake of plainpkg.part, kept by app.model" in told(result)[0]


ANEW = {
    "patch.dict": """
        with patch.dict(sys.modules, plainpkg=fake):
            sys.modules.pop("app.model", None)
            import app.model as model
    """,
    "monkeypatch": """
        monkeypatch.setitem(sys.modules, "plainpkg", fake)
        monkeypatch.delitem(sys.modules, "app.model")
        import app.model as model
    """,
}


@pytest.mark.parametrize(
    ("how", "before"),
    [("patch.dict", "import app"), ("patch.dict", "import app.model"), ("monkeypatch", "import app.model")],
)
@pytest.mark.parametrize("mode", MODES)
def test_the_attribute_of_its_package_is_put_back(guarded: Guarded, mode: str, how: str, before: str) -> None:
    """``sys.modules`` was put back as it should, and ``from app import model`` goes by the attribute: none is told."""
    guarded.suite.tests(
        f"""
        import sys
        from unittest.mock import MagicMock, patch
        {before}

        def test_with_a_fake(monkeypatch):
            fake = MagicMock()
            {textwrap.dedent(ANEW[how]).strip().replace(chr(10), chr(10) + " " * 12)}
            assert model.plainpkg is fake
        """,
        "test_a.py",
    )
    guarded.suite.tests(
        f"""
        import sys
        {before}

        def test_has_the_real_one():
            there = sys.modules.get("app.model")
            from app import model
            assert model.plainpkg.answer == 42
            assert model is sys.modules["app.model"]
            assert there in (None, model)
        """,
        "test_b.py",
    )
    assert failures(guarded.run("off")) == ["FAILED test_b.py::test_has_the_real_one"]
    result = guarded.run(mode)
    result.assert_outcomes(passed=2)
    assert told(result) == []


def test_the_attribute_stays_with_a_file_that_has_put_a_fake_in(guarded: Guarded) -> None:
    """While its tests run, as in a run without the guard; others have the module with the real package."""
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock, patch
        import app

        with patch.dict(sys.modules, plainpkg=MagicMock(answer=1)):
            from app import model

        def test_is_the_same():
            from app import model as again
            assert again is model
            assert again.read() == 1

        def test_again():
            test_is_the_same()
        """,
        "test_a.py",
    )
    guarded.suite.tests(
        """
        def test_has_the_real_one():
            from app import model
            assert model.read() == 42
        """,
        "test_b.py",
    )
    assert failures(guarded.run("off")) == ["FAILED test_b.py::test_has_the_real_one"]
    for mode in MODES:
        result = guarded.run(mode)
        result.assert_outcomes(passed=3)
        assert told(result) == []


@pytest.mark.parametrize("mode", MODES)
def test_it_stays_while_the_fixture_lasts(guarded: Guarded, mode: str) -> None:
    """One of several tests, which has put the fake in and has taken it out: it is judged when it ends."""
    guarded.suite.tests(
        """
        import sys
        from unittest.mock import MagicMock, patch

        import pytest

        @pytest.fixture(scope="module")
        def model():
            sys.modules["plainpkg"] = MagicMock(answer=1)
            from app import model
            del sys.modules["plainpkg"]
            return model

        @pytest.mark.parametrize("number", [2, 3])
        def test_names_it(model, number):
            with patch("app.model.read", return_value=number):
                assert model.read() == number
            assert model.read() == 1
        """,
        "test_a.py",
    )
    guarded.suite.tests(REAL, "test_b.py")
    result = guarded.run(mode)
    failed = {"restore": [], "error": ["ERROR test_a.py::test_names_it[3]"]}
    assert failures(result) == failed[mode]
    assert len(told(result)) == 1
