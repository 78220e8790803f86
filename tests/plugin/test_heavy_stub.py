"""Stand-ins: the flag, the ini key, the fixture and the mark heavy_stub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES, failures
from ..support.suite import section, usage_errors

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

APP = """
import plainpkg
from plainpkg import answer

class Model(plainpkg.Base if hasattr(plainpkg, "Base") else object):
    pass

def load(path):
    return plainpkg.record(path)

def is_fast():
    return bool(plainpkg.has_device())
"""
REAL = """
def test_real{0}():
    import sys
    import app.model
    import plainpkg
    assert plainpkg.answer == app.model.answer == 42
    assert app.model.plainpkg is plainpkg is sys.modules["plainpkg"]
    import witness
    for name in ("plainpkg", "app.model"):
        assert witness.first.setdefault(name, sys.modules[name]) is sys.modules[name]
"""


@pytest.fixture
def app(suite: Suite) -> Suite:
    """A suite with code under test that imports ``plainpkg``, which needs not be installed."""
    suite.write("app/__init__.py", "")
    suite.write("app/model.py", APP)
    suite.write("witness.py", "first = {}\n")
    return suite


def _real(number: int) -> str:
    return REAL.format(number)


# A whole run


@pytest.mark.parametrize("how", ["flag", "ini"])
@pytest.mark.parametrize("is_installed", [False, True])
def test_a_run_with_a_stand_in(app: Suite, installed: Installed, how: str, is_installed: bool) -> None:
    """Code under test and the test file get the stand-in, and nothing of the real module is executed."""
    app.declare(**({"heavy_stub": "plainpkg"} if how == "ini" else {}))
    app.write("conftest.py", "import app.model\n")
    app.tests(
        """
        import plainpkg
        from app.model import load

        def test_it():
            load("x")
            plainpkg.record.assert_called_once_with("x")

        def test_each_test_begins_anew():
            plainpkg.record.assert_not_called()
        """
    )
    where = {"path": (installed.site,), **installed.environment} if is_installed else {}
    result = app.run(*(["--heavy-stub=plainpkg"] if how == "flag" else []), **where)  # type: ignore[arg-type]
    result.assert_outcomes(passed=2)
    assert not app.executions()
    assert section(result) == []


def test_what_needs_the_real_one_is_skipped(app: Suite) -> None:
    """By an alias, by ``heavy_module``, or since the stand-in has no answer; each says why."""
    app.declare("plainpkg", "model = app.model")
    app.tests(
        """
        def test_alias(plainpkg):
            assert False

        def test_heavy_module(heavy_module):
            heavy_module("plainpkg.part")

        def test_dependant(model, heavy_module):
            assert heavy_module("app.model") is model

        def test_computes(model):
            assert model.is_fast()

        def test_computes_in_another_error(model):
            try:
                model.is_fast()
            except RuntimeError as error:
                raise ValueError from error

        def test_fails(model):
            assert model is None
        """
    )
    result = app.run("--heavy-stub=plainpkg", "-rsf")
    result.assert_outcomes(passed=1, skipped=4, failed=1)
    needs = "needs the real {!r}, and this run has a stand-in (--heavy-stub=plainpkg)"
    refused = "bool() was asked of plainpkg.has_device(), and there is no answer: 'plainpkg' is a stand-in."
    assert [line.partition(": ")[2] for line in result.outlines if line.startswith("SKIPPED")] == [
        needs.format("plainpkg"),
        needs.format("plainpkg.part"),
        f"{refused} (--heavy-stub=plainpkg; asked at app/model.py:11)",
        f"{refused} (--heavy-stub=plainpkg; asked at app/model.py:11)",
    ]
    assert [line.partition("  first: ")[0].split()[0] for line in section(result)] == ["app.model"]


SWALLOWING = """
import plainpkg

def speed():
    try:
        return float(plainpkg.measure())
    except Exception:
        return 0.0
"""


def test_what_swallows_a_refusal_is_skipped(app: Suite) -> None:
    """Whatever becomes of a test whose code has caught one is no more than a guess."""
    app.write("app/speed.py", SWALLOWING)
    app.tests(
        """
        import pytest
        from app.speed import speed
        from pytest_heavyimports import StandInRefused

        @pytest.fixture
        def measured():
            return speed()

        def test_passes():
            assert speed() == 0.0

        def test_fails():
            assert speed() > 0

        def test_skips():
            speed()
            pytest.skip("for another reason")

        def test_in_a_fixture(measured): pass

        def test_in_a_teardown(request):
            request.addfinalizer(speed)

        def test_expects_it():
            import plainpkg
            with pytest.raises(StandInRefused):
                float(plainpkg.measure())
            pytest.raises(StandInRefused, float, plainpkg.measure())
            try:
                float(plainpkg.measure())
            except RuntimeError:
                pass

        def test_configured():
            import plainpkg
            plainpkg.measure.return_value = 3
            assert speed() == 3.0
        """
    )
    result = app.run("--heavy-stub=plainpkg", "-rs")
    result.assert_outcomes(passed=3, skipped=5)  # that of the teardown has passed before
    told = (
        "float() was asked of plainpkg.measure(), and there is no answer: 'plainpkg' is a stand-in. "
        "(--heavy-stub=plainpkg; asked at app/speed.py:5) "
        "It was caught at app/speed.py:5, which went on without an answer."
    )
    skipped = [line.partition(": ")[2] for line in result.outlines if line.startswith("SKIPPED")]
    assert skipped == [told, told, "for another reason", told, told]


def test_a_refusal_that_is_swallowed_in_a_collection_is_told(app: Suite) -> None:
    """Tests that don't use what came of it need not be skipped, but it is no secret."""
    app.write("app/speed.py", SWALLOWING + "\nSPEED = speed()\n")
    app.tests("from app.speed import SPEED\n\ndef test_it(): pass\n")
    result = app.run("--heavy-stub=plainpkg")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:1",
            "*HeavyImportWarning: float() was asked of plainpkg.measure(), and there is no answer: *",
            "  It was caught at app/speed.py:5, which went on without an answer.",
        ]
    )
    result = app.run("--heavy-stub=plainpkg", "-W", "error")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["It was caught at app/speed.py:5, which went on without an answer."])


def test_skipped_with_missing_as_failures_too(app: Suite) -> None:
    """``heavy_missing = fail`` is about modules that should be installed."""
    app.declare("plainpkg", heavy_missing="fail")
    app.tests("def test_alias(plainpkg): pass\n")
    app.run("--heavy-stub=plainpkg").assert_outcomes(skipped=1)


def test_a_file_that_computes_is_skipped(app: Suite) -> None:
    """Where the stand-in refuses while a file is collected, its tests can't run."""
    app.tests("import plainpkg\n\nsize = len(plainpkg.sizes())\n\ndef test_it(): pass\n", "test_a.py")
    app.tests("def test_it(): pass\n", "test_b.py")
    result = app.run("--heavy-stub=plainpkg", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *test_a.py:1: len() was asked of plainpkg.sizes()*"])


def test_several_stand_ins(app: Suite) -> None:
    """The flag is repeatable, and goes before the ini key."""
    app.declare(heavy_stub="other")
    app.tests(
        """
        import pytest
        import cvlike.parts
        import plainpkg

        def test_it():
            with pytest.raises(ImportError):
                import other
        """
    )
    app.run("--heavy-stub=plainpkg", "--heavy-stub=cvlike").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("to-rch", "it is no module name (--heavy-stub=to-rch). Write it as 'torch' or 'package.module'."),
        ("os", "Python and pytest need it (--heavy-stub=os). Name a heavy module, such as 'torch'."),
    ],
)
def test_a_name_that_cant_be_one(suite: Suite, name: str, fault: str) -> None:
    """All faults are told before anything is collected."""
    result = suite.run(f"--heavy-stub={name}")
    assert usage_errors(result) == [f"heavy_stub: {name!r} can't have a stand-in: {fault}"]


@pytest.mark.parametrize("mode", MODES)
def test_the_guard_has_nothing_to_say_of_a_run_with_a_stand_in(app: Suite, installed: Installed, mode: str) -> None:
    """A stand-in of the run is no fake."""
    app.declare("plainpkg", heavy_guard=mode, heavy_preload="true")
    app.write("conftest.py", "import plainpkg.part\n")
    app.tests("import plainpkg\n\ndef test_it():\n    import plainpkg.other\n    plainpkg.record()\n")
    result = app.run("--heavy-stub=plainpkg", "-W", "error", path=(installed.site,), **installed.environment)
    result.assert_outcomes(passed=1)
    assert section(result) == []
    assert not app.executions()


def test_a_module_that_is_there_already_comes_back(app: Suite, installed: Installed) -> None:
    """A plugin may have imported the real one; the run has the stand-in, and what comes after pytest the real one."""
    app.write(
        "early.py",
        """
        import sys
        import plainpkg as real

        def pytest_sessionstart():
            import plainpkg
            assert plainpkg is not real

        """,
    )
    app.write(
        "run.py",
        """
        import sys
        import plainpkg as real
        import pytest

        sys.exit(pytest.main(["-p", "no:cacheprovider", "-p", "pytest_heavyimports.plugin", "--heavy-stub=plainpkg"])
                 or sys.modules["plainpkg"] is not real
                 or any("StandIn" in type(finder).__name__ for finder in sys.meta_path))
        """,
    )
    app.tests("import plainpkg\n\ndef test_it():\n    plainpkg.record()\n")
    assert app.run_script("run.py", path=(installed.site,), **installed.environment).ret == 0
    app.run("-p", "early", "--heavy-stub=plainpkg", path=(app.path, installed.site)).assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", MODES)
def test_a_protected_module_that_is_there_already(app: Suite, mode: str) -> None:
    """The guard keeps the real one, and doesn't put it back while the run has the stand-in."""
    app.write("early.py", "import numpy as real\n")
    app.tests("import numpy\nimport early\n\ndef test_it():\n    assert numpy is not early.real\n    numpy.load()\n")
    result = app.run("-p", "early", "--heavy-stub=numpy", f"--heavy-guard={mode}", "-W", "error", path=(app.path,))
    result.assert_outcomes(passed=1)
    assert section(result) == []


def test_each_set_up_of_a_test_begins_anew(app: Suite) -> None:
    """A plugin that runs tests again (pytest-rerunfailures) sets them up repeatedly within one protocol."""
    app.write(
        "conftest.py",
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            runtestprotocol(item, log=False, nextitem=item)
            runtestprotocol(item, nextitem=nextitem)
            return True
        """,
    )
    app.tests(
        """
        import plainpkg

        def test_it():
            plainpkg.work()
            plainpkg.work.assert_called_once_with()
        """
    )
    app.run("--heavy-stub=plainpkg").assert_outcomes(passed=1)


def test_with_xdist(app: Suite) -> None:
    """Workers have the stand-in as well."""
    app.tests("import plainpkg\n\ndef test_it():\n    plainpkg.record()\n\ndef test_real(heavy_module):\n"
              "    heavy_module('plainpkg')\n")  # fmt: skip
    app.run("-p", "xdist.plugin", "-n", "1", "--heavy-stub=plainpkg").assert_outcomes(passed=1, skipped=1)


# One test


@pytest.mark.parametrize("mode", ["off", *MODES])
@pytest.mark.parametrize("how", ["fixture", "mark"])
def test_one_test_has_a_stand_in(app: Suite, installed: Installed, how: str, mode: str) -> None:
    """The code under test is imported again for it; before and after it everything is as it was."""
    app.declare("plainpkg")  # which protects it
    mark, argument = ("@pytest.mark.heavy_stub('plainpkg')", "") if how == "mark" else ("", "heavy_stub")
    stub = "sys.modules['plainpkg']" if how == "mark" else "heavy_stub('plainpkg')"
    test = f"""
import sys
import pytest

{mark}
def test_stubbed({argument}):
    stub = {stub}
    import app.model
    import plainpkg.part
    assert stub is plainpkg is app.model.plainpkg
    app.model.load("x")
    stub.record.assert_called_once_with("x")
"""
    files = {"a": test, "b": _real(0) + test + _real(1), "c": test + _real(2)}
    for name, text in files.items():
        app.write(f"test_{name}.py", text)
    result = app.run(
        f"--heavy-guard={mode}", "-W", "error", "-rfE", path=(installed.site,), **installed.environment
    )  # fmt: skip
    assert failures(result) == []
    result.assert_outcomes(passed=6)
    assert app.executions() == {"plainpkg": 1}


def test_names_of_the_test_file_are_pointed_at_the_stand_in(app: Suite, installed: Installed) -> None:
    """What the file has imported at its top is the stand-in, and code that has it, while the test runs."""
    app.tests(
        """
        import plainpkg
        import plainpkg.part as part
        from app import model
        from app.model import load

        real = [plainpkg, part, model, load]

        def test_stubbed(heavy_stub):
            assert heavy_stub("plainpkg") is plainpkg
            assert all(new is not old for new, old in zip([plainpkg, part, model, load], real))
            load("x")
            plainpkg.record.assert_called_once_with("x")
            assert model.load is load

        def test_real():
            assert all(new is old for new, old in zip([plainpkg, part, model, load], real))
        """
    )
    app.run(path=(installed.site,), **installed.environment).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "arguments",
    [("--heavy-guard=restore",), ("--heavy-report=x.json",), ("-p", "xdist", "-n1", "--heavy-report=x.json")],
)
def test_what_is_imported_under_a_stand_in_is_not_told_as_first(
    app: Suite, installed: Installed, arguments: tuple[str, ...]
) -> None:
    """Of the code under test and of an installed package that is; the first import is that with the real module."""
    installed.add("using-pkg", "1.0", {"usingpkg/__init__.py": "from plainpkg import answer\n"})
    app.declare("plainpkg", "usingpkg", "app.model")
    app.tests(
        """
        import pytest

        @pytest.mark.heavy_stub("plainpkg")
        def test_stubbed():
            import app.model, usingpkg

        def test_real():
            import app.model, usingpkg

        def test_fixtures(plainpkg, usingpkg, model): pass
        """
    )
    result = app.run(*arguments, path=(installed.site, app.path), **installed.environment)
    assert result.parseoutcomes() == {"passed": 3}, result.outlines
    told = _told(result)
    assert told.keys() == {"plainpkg", "usingpkg", "app.model"}
    if arguments == ("--heavy-guard=restore",):
        assert told.pop("app.model") == "earlier, by an import statement"  # nobody measures it, or protects it
    assert [place for place in told.values() if "test_it.py::test_real (call)" not in place] == []


def test_without_the_real_one(app: Suite) -> None:
    """It need not be installed; the next test doesn't find it."""
    app.tests(
        """
        import sys
        import pytest

        def test_stubbed(heavy_stub):
            heavy_stub("plainpkg")
            import app.model
            import plainpkg.part

        def test_afterwards():
            assert [name for name in sys.modules if name.startswith(("plainpkg", "app."))] == []
            import app
            assert not hasattr(app, "model")
            pytest.importorskip("plainpkg")
        """
    )
    app.run().assert_outcomes(passed=1, skipped=1)


def test_fixtures_of_a_wider_scope_are_set_up_anew(app: Suite, installed: Installed) -> None:
    """One that was set up while the stand-in was in place is not given to the next test; nor is a declared module."""
    app.declare("plainpkg", "model = app.model")
    app.tests(
        """
        import pytest

        @pytest.fixture(scope="session")
        def service(model):
            return model.Model()

        @pytest.mark.heavy_stub("plainpkg")
        def test_stubbed(service, plainpkg, model, heavy_module):
            assert type(service) is model.Model
            plainpkg.assert_not_called()
            assert heavy_module("plainpkg") is plainpkg

        def test_real(service, plainpkg, model):
            assert plainpkg.answer == 42
            assert type(service) is model.Model
            assert model.plainpkg is plainpkg

        @pytest.mark.heavy_stub("plainpkg")
        def test_arguments_are_pointed_too(model, plainpkg):
            assert model.plainpkg is plainpkg
            plainpkg.assert_not_called()
        """
    )
    app.run(path=(installed.site,), **installed.environment).assert_outcomes(passed=3)


def _told(result: pytest.RunResult) -> dict[str, str]:
    """Who was first, by module."""
    return {line.split()[0]: line.partition(" first: ")[2] for line in section(result) if " first: " in line}


@pytest.mark.parametrize("isolated", ["", "@pytest.mark.heavy_isolated"])
def test_what_is_there_after_a_stand_in_is_not_forgotten(app: Suite, installed: Installed, isolated: str) -> None:
    """What the process has imported, whatever an isolated test does; what one of two stand-ins had taken out."""
    installed.add("lone-pkg", "1.0", {"lonepkg/__init__.py": "", "lonepkg/sub.py": ""})
    app.declare("plainpkg", "lonepkg.sub", "app.user")
    app.write("app/user.py", "import plainpkg\n")
    app.tests(
        f"""
        import pytest

        def test_real():
            import app.user, lonepkg.sub

        {isolated}
        @pytest.mark.heavy_stub("lonepkg", "plainpkg")
        def test_stubbed():
            import app.user, lonepkg.sub
        """
    )
    result = app.run("-v", "--heavy-report=x.json", path=(installed.site, app.path), **installed.environment)
    assert result.parseoutcomes() == {"passed": 2}, result.outlines
    told = _told(result)
    assert told.keys() == {"plainpkg", "lonepkg.sub", "app.user"}
    assert [place for place in told.values() if "test_it.py::test_real (call)" not in place] == []


def test_the_guard_keeps_other_modules_while_a_test_has_a_stand_in(app: Suite, installed: Installed) -> None:
    """What was there before is kept afterwards as it was."""
    app.declare("plainpkg", "cvlike", heavy_guard="restore")
    app.tests(
        """
        import sys
        import pytest

        def test_real():
            import cvlike, plainpkg

        @pytest.mark.heavy_stub("plainpkg")
        def test_stubbed():
            import cvlike, plainpkg
            plainpkg.record()

        @pytest.mark.parametrize("name", ["cvlike", "plainpkg"])
        def test_pop(name):
            real = sys.modules.pop(name)
            assert __import__(name) is real
        """
    )
    app.run(path=(installed.site,), **installed.environment).assert_outcomes(passed=4)
    assert app.executions() == {"cvlike": 1, "plainpkg": 1}


def test_what_a_module_keeps_of_a_stand_in_is_taken_away(app: Suite, installed: Installed) -> None:
    """Module globals, registries and caches of code that stays."""
    app.write(
        "app/store.py",
        """
        import functools

        registry = {}
        loaded = None

        def load():
            global loaded
            import plainpkg
            loaded = loaded or [plainpkg.record()]
            registry["loaded"] = loaded[0]
            return loaded

        @functools.lru_cache
        def cached():
            import plainpkg
            return plainpkg
        """,
    )
    app.tests(
        """
        from app import store

        def test_stubbed(heavy_stub):
            heavy_stub("plainpkg")
            store.load()
            assert store.cached().record.called

        def test_real():
            import plainpkg
            assert store.loaded is None
            assert store.registry == {}
            assert store.cached() is plainpkg
        """
    )
    app.run(path=(installed.site,), **installed.environment).assert_outcomes(passed=2)


@pytest.mark.parametrize("thrower", ["patch", "fixture"])
def test_what_was_thrown_out_of_sys_modules_meanwhile_is_taken_away(
    app: Suite, installed: Installed, thrower: str
) -> None:
    """Its package still has it, as an attribute that ``from app import late`` would give to later tests."""
    app.write("app/late.py", "import plainpkg\n\ndef ask(): return plainpkg.answer\n")
    app.tests(
        f"""
        import sys
        from contextlib import nullcontext
        from unittest.mock import patch

        import app
        import pytest

        @pytest.fixture(autouse={thrower == "fixture"})
        def snapshot():
            before = dict(sys.modules)
            yield
            sys.modules.clear()
            sys.modules.update(before)

        @pytest.mark.heavy_stub("plainpkg")
        def test_stubbed():
            with patch.dict(sys.modules) if {thrower == "patch"} else nullcontext():
                from app import late
            late.ask()

        def test_real():
            from app import late
            assert late.ask() == 42
        """
    )
    app.run(path=(installed.site,), **installed.environment).assert_outcomes(passed=2)


def test_a_refusal_fails_the_test(app: Suite) -> None:
    """Whoever asks for a stand-in for one test has to configure what that needs."""
    app.tests(
        """
        import pytest

        @pytest.mark.heavy_stub("plainpkg")
        def test_computes():
            from app.model import is_fast
            is_fast()

        @pytest.mark.heavy_stub("plainpkg")
        def test_configured():
            import plainpkg
            from app.model import is_fast
            plainpkg.has_device.return_value = 0
            assert is_fast() is False
        """
    )
    result = app.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*StandInRefused: bool() was asked of plainpkg.has_device(), and there is no answer: 'plainpkg' is a *",
            "E*put in: heavy_stub('plainpkg'), test_it.py::test_computes",
        ]
    )


def test_a_refusal_that_is_swallowed_fails_the_test(app: Suite) -> None:
    """A test that asked for a stand-in passes on its own answers alone."""
    app.write("app/speed.py", SWALLOWING)
    app.tests(
        """
        def test_passes(heavy_stub):
            heavy_stub("plainpkg")
            from app.speed import speed
            assert speed() == 0.0

        def test_fails(heavy_stub):
            heavy_stub("plainpkg")
            from app.speed import speed
            assert speed() > 0

        def test_copied(heavy_stub):
            import copy, pickle
            record = heavy_stub("plainpkg").record()
            for other in (copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
                from app import speed
                speed.plainpkg.measure.return_value = other
                speed.speed()

        def test_other():
            pass
        """
    )
    result = app.run()
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "E*StandInRefused: float() was asked of plainpkg.measure(), and there is no answer: 'plainpkg' is a *",
            "E*put in: heavy_stub('plainpkg'), test_it.py::test_passes",
            "E*It was caught at app/speed.py:5, which went on without an answer.",
            "E*assert 0.0 > 0",
            "E*put in: heavy_stub('plainpkg'), test_it.py::test_fails",
        ]
    )


def test_code_that_cant_be_imported_again(app: Suite, installed: Installed) -> None:
    """It is told to the test that uses it, and to no other."""
    app.write("app/sized.py", "import plainpkg\n\nsize = plainpkg.answer * 2\n\ndef use():\n    return size\n")
    app.tests("from app.sized import use\n\ndef test_user(heavy_stub):\n    heavy_stub('plainpkg')\n", "test_a.py")
    app.tests(
        """
        import pytest
        import app
        from pytest_heavyimports import StandInRefused

        def test_other(heavy_stub):
            heavy_stub("plainpkg")
            assert not hasattr(app, "sized")
            with pytest.raises(StandInRefused):
                from app import sized
        """,
        "test_b.py",
    )
    app.tests("from app.sized import use\n\ndef test_real():\n    assert use() == 84\n", "test_c.py")
    result = app.run("-rf", path=(installed.site,), **installed.environment)
    assert failures(result) == ["FAILED test_a.py::test_user"]
    result.assert_outcomes(passed=2, failed=1)


def test_several_for_one_test(app: Suite, installed: Installed) -> None:
    """Marks add up, and the fixture adds to them."""
    app.tests(
        """
        import pytest

        pytestmark = pytest.mark.heavy_stub("plainpkg")

        @pytest.mark.heavy_stub("cvlike", "other")
        def test_it(heavy_stub):
            import cvlike, other.parts, plainpkg
            plainpkg.a(), cvlike.b(), other.parts.c(), heavy_stub("more").d()
            assert heavy_stub("other") is other
        """,
        "test_a.py",
    )
    app.tests(
        "def test_real():\n    import cvlike, plainpkg\n    assert cvlike.answer == plainpkg.answer\n", "test_b.py"
    )
    app.run(path=(installed.site,), **installed.environment).assert_outcomes(passed=2)


@pytest.mark.parametrize("mark", ['heavy_stub("to-rch")', "heavy_stub", 'heavy_stub(name="plainpkg")', "heavy_stub(3)"])
def test_a_mark_that_names_no_module(suite: Suite, mark: str) -> None:
    """It is told before any test runs."""
    suite.tests(f"import pytest\n\n@pytest.mark.{mark}\ndef test_it(): pass\n")
    result = suite.run()
    assert usage_errors(result) == [
        'test_it.py::test_it: the mark heavy_stub takes names of modules. Write it as @pytest.mark.heavy_stub("torch").'
    ]


def test_the_fixture_refuses_what_is_no_module(suite: Suite) -> None:
    """With what to write instead."""
    suite.tests("def test_it(heavy_stub):\n    heavy_stub('to-rch')\n")
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*InvalidDeclaration: 'to-rch' can't be read: it is no module name.*"])


def test_in_a_run_with_a_stand_in_it_is_that_one(app: Suite) -> None:
    """There is nothing to put in."""
    app.tests("import plainpkg\n\ndef test_it(heavy_stub):\n    assert heavy_stub('plainpkg') is plainpkg\n")
    app.run("--heavy-stub=plainpkg").assert_outcomes(passed=1)


# With deferred imports


@pytest.mark.parametrize("mode", ["off", *MODES])
def test_one_test_has_a_stand_in_of_a_deferred_module(app: Suite, installed: Installed, mode: str) -> None:
    """It is put in and taken out with nothing executed; what is deferred stays so, and loads in place afterwards."""
    app.declare("plainpkg", heavy_defer="true")
    app.write("app/deferring.py", "import plainpkg\nimport plainpkg.part as part\n")
    app.tests(
        """
        import sys
        import pytest
        import plainpkg
        import plainpkg.part as part
        from app import deferring

        REAL = {name: id(module) for name, module in sys.modules.items() if name.startswith(("plainpkg", "app."))}
        is_deferred = lambda: getattr(type(sys.modules["plainpkg"]), "is_deferred", False)

        def are_real(*modules):
            return all(id(module) == REAL[module.__name__] for module in modules)

        def test_stubbed(heavy_stub):
            assert heavy_stub("plainpkg") is plainpkg is deferring.plainpkg is sys.modules["plainpkg"]
            assert part is deferring.part is plainpkg.part
            part.record(1)
            deferring.part.record.assert_called_once_with(1)

        @pytest.mark.heavy_stub("plainpkg")
        def test_marked():
            assert plainpkg is deferring.plainpkg
            plainpkg.whatever.assert_not_called()

        @pytest.mark.heavy_stub("plainpkg")
        def test_with_its_fixture(plainpkg):
            plainpkg.whatever.assert_not_called()
            assert deferring.plainpkg is plainpkg

        def test_nothing_was_loaded():
            assert are_real(plainpkg, part, deferring)
            assert is_deferred()

        def test_real():
            assert plainpkg.answer == deferring.plainpkg.answer == part.answer == 42
            assert are_real(plainpkg, part, deferring, sys.modules["plainpkg"])
            assert not is_deferred()

        def test_stubbed_once_more(heavy_stub):
            stub = heavy_stub("plainpkg")
            assert stub is plainpkg is deferring.plainpkg
            with pytest.raises(AttributeError, match="Did you mean 'answer'"):
                stub.answr

        def test_real_once_more():
            assert are_real(plainpkg, part, deferring, sys.modules["plainpkg"])
            assert part.answer == 42
        """
    )
    result = app.run(f"--heavy-guard={mode}", "-W", "error", "-rfE", path=(installed.site,), **installed.environment)
    assert failures(result) == []
    result.assert_outcomes(passed=7)
    assert app.executions() == {"plainpkg": 1, "plainpkg.part": 1}


# What the real module has


def test_names_are_checked_against_the_real_module(app: Suite, installed: Installed) -> None:
    """In the same session, and later ones, where it is not installed."""
    where = {"path": (installed.site,), **installed.environment}
    app.tests(
        """
        import plainpkg

        def test_real(): pass

        def test_stubbed(heavy_stub):
            heavy_stub("plainpkg").answer
            heavy_stub("plainpkg").answr
        """
    )
    text = "E*AttributeError: the real module 'plainpkg' has no attribute 'answr' (plainpkg*). Did you mean 'answer'?*"
    app.run(has_cache=True, **where).stdout.fnmatch_lines([text])  # type: ignore[arg-type]
    app.tests("import plainpkg\n\ndef test_it():\n    plainpkg.answr\n")
    result = app.run("--heavy-stub=plainpkg", has_cache=True)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([text])


def test_calls_are_checked_against_the_real_function(app: Suite) -> None:
    """Its signature is remembered with its name, for runs where it is not installed."""
    app.write("site/plainpkg.py", "answer = 42\n\ndef record(path, *, mode='r'):\n    pass\n")
    app.tests(
        """
        import plainpkg
        from app.model import load

        def test_it(heavy_stub):
            heavy_stub("plainpkg")
            load("x")
            plainpkg.record("x", mood="w")
        """
    )
    text = (
        "E*TypeError: the real 'plainpkg.record' can't be called like this: got an unexpected keyword argument 'mood' "
        "(plainpkg: record(path, *, mode=...))."
    )
    app.run(has_cache=True, path=(app.path / "site",)).stdout.fnmatch_lines([text])
    result = app.run("--heavy-stub=plainpkg", has_cache=True)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([text])


def test_names_are_remembered_in_projects_with_stand_ins_alone(app: Suite, installed: Installed) -> None:
    """A run with no stand-in, in a project that has never had one, writes nothing."""
    where = {"path": (installed.site,), **installed.environment}
    remembered = app.path / ".pytest_cache/v/heavyimports/names/plainpkg"
    app.declare("plainpkg")
    app.tests("def test_real(plainpkg): pass\n")
    app.run(has_cache=True, **where).assert_outcomes(passed=1)  # type: ignore[arg-type]
    assert not remembered.parent.parent.exists()
    app.run("--heavy-stub=plainpkg", has_cache=True).assert_outcomes(skipped=1)
    assert not remembered.exists()
    app.run(has_cache=True, **where).assert_outcomes(passed=1)  # type: ignore[arg-type]
    assert "answer" in remembered.read_text(encoding="utf-8")


# The names of the real module in a file that is committed


@pytest.fixture
def committed(app: Suite, installed: Installed) -> Suite:
    """A suite with such a file, which a run with the real module has written."""
    installed.add("realpkg", "2.1", {"realpkg/__init__.py": REALPKG, "realpkg/part.py": "def piece(size): ...\n"})
    app.declare("realpkg", heavy_stub_file="tests/stand-ins.json")
    app.write("tests/test_it.py", "import realpkg.part\n\ndef test_it():\n    realpkg.greet('me')\n")
    result = app.run("--heavy-stub-update", path=(installed.site,), **installed.environment)
    result.assert_outcomes(passed=1)
    assert "written: tests/stand-ins.json: the names of realpkg 2.1" in result.outlines
    return app


REALPKG = """
__version__ = "2.1"

def greet(name, *, loudly=False): ...

class Thing:
    def __init__(self, size): ...
"""


def test_a_run_without_the_real_module_checks_against_the_file(committed: Suite) -> None:
    """Names, calls and the version, in a fresh checkout: there is no cache."""
    committed.tests(
        """
        import importlib

        import pytest
        import realpkg
        from realpkg.part import piece

        def test_right():
            realpkg.greet("me", loudly=True)
            realpkg.Thing(3), piece(3)
            assert realpkg.__version__ == "2.1"

        def test_wrong():
            with pytest.raises(AttributeError, match="Did you mean 'greet'"):
                realpkg.great
            with pytest.raises(TypeError, match="missing a required argument: 'size'"):
                realpkg.Thing()
            with pytest.raises(TypeError, match="unexpected keyword argument 'silently'"):
                realpkg.greet("me", silently=True)
            with pytest.raises(ImportError):
                importlib.import_module("realpkg.absent")
        """
    )
    result = committed.run("--heavy-stub=realpkg", "test_it.py")
    result.assert_outcomes(passed=2)
    assert "stand-in: realpkg, names and calls are checked against realpkg 2.1" in result.outlines


def test_the_file_is_the_same_each_time(committed: Suite, installed: Installed) -> None:
    """What a run has not imported stays in it, and a newer version takes the place of an older one."""
    file = committed.path / "tests/stand-ins.json"
    before = file.read_text(encoding="utf-8")
    committed.write("tests/test_it.py", "import realpkg\n\ndef test_it(): pass\n")
    where = {"path": (installed.site,), **installed.environment}
    committed.run("--heavy-stub-update", **where).assert_outcomes(passed=1)  # type: ignore[arg-type]
    assert file.read_text(encoding="utf-8") == before
    installed.add("realpkg", "2.2", {"realpkg/__init__.py": '__version__ = "2.2"\n'})
    committed.run("--heavy-stub-update", **where).assert_outcomes(passed=1)  # type: ignore[arg-type]
    assert "greet" not in file.read_text(encoding="utf-8")


def test_the_file_is_written_in_its_place(committed: Suite, installed: Installed) -> None:
    """Where a link leads, with the mode that it has; one that its owner can't write is left, and reported."""
    file, real = committed.path / "tests/stand-ins.json", committed.path / "shared.json"
    file.rename(real)
    file.symlink_to("../shared.json")
    real.chmod(0o600)
    committed.write("tests/test_it.py", "import realpkg\n\ndef test_it(): pass\n")
    where = {"path": (installed.site,), **installed.environment}
    installed.add("realpkg", "2.2", {"realpkg/__init__.py": '__version__ = "2.2"\n'})
    committed.run("--heavy-stub-update", **where).assert_outcomes(passed=1)  # type: ignore[arg-type]
    assert file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert "greet" not in real.read_text(encoding="utf-8")
    real.chmod(0o444)
    result = committed.run("--heavy-stub-update", **where)  # type: ignore[arg-type]
    assert f"--heavy-stub-update: {file}: it is read-only" in result.outlines
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_what_is_wrong_with_the_file(committed: Suite) -> None:
    """It is said before anything is collected."""
    file = committed.path / "tests/stand-ins.json"
    file.write_text("{}", encoding="utf-8")
    (line,) = usage_errors(committed.run("--heavy-stub=realpkg"))
    assert line == (
        f"heavy_stub_file (pytest.ini, [pytest]): {str(file)!r} can't be read: it is no file of names, of format 1. "
        "To write it where the real modules are installed: pytest --heavy-stub-update"
    )
    file.unlink()
    (line,) = usage_errors(committed.run("--heavy-stub=realpkg"))
    assert "No such file" in line
    (line,) = usage_errors(committed.run("--heavy-stub-update", "-o", "heavy_stub_file="))
    assert line == "--heavy-stub-update: no file is set. Set heavy_stub_file = tests/stand-ins.json."


def test_a_run_that_checks_nothing_says_so(app: Suite) -> None:
    """Nothing is known of the real module, and no file is named."""
    app.tests("def test_it(): pass\n")
    result = app.run("--heavy-stub=plainpkg")
    (line,) = [line for line in result.outlines if line.startswith("stand-in: ")]
    assert "are not checked" in line
