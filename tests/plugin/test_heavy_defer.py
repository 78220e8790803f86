"""The setting heavy_defer and the flag --heavy-defer: imports that cost nothing until an attribute is used."""

from __future__ import annotations

import py_compile
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ..support.suite import Suite, section

if TYPE_CHECKING:
    from ..support.installed import Installed

Run = Callable[..., pytest.RunResult]
PACKAGE = {
    "deferpkg/__init__.py": """\
        from executions import record

        record(__name__)
        from . import part
        from .shadowed import shadowed
        from ._base import Base

        import sys
        import types

        sys.modules["deferpkg.made"] = types.ModuleType("deferpkg.made")
        __version__ = "1.0"
        answer = 42
        """,
    "deferpkg/part.py": "from executions import record\n\nrecord(__name__)\nanswer = 43\n",
    "deferpkg/later.py": "from executions import record\n\nrecord(__name__)\nanswer = 44\n",
    "deferpkg/shadowed.py": "def shadowed():\n    return 45\n",
    "deferpkg/starred.py": "def starred():\n    return 47\n",
    "deferpkg/stars/__init__.py": "from ._all import *\n",
    "deferpkg/stars/_all.py": "from ..starred import starred\n",
    "deferpkg/stars/starred.py": "",
    "deferpkg/sub/__init__.py": "from .. import later\n",
    "deferpkg/sub/later.py": "answer = 48\n",
    "deferpkg/asked/__init__.py": """\
        import importlib

        from ._names import *

        def __getattr__(name):
            if name == "fn":
                globals()[name] = importlib.import_module("deferpkg.asked.fn").fn
                return globals()[name]
            return importlib.import_module(f"deferpkg.asked.{name}")
        """,
    "deferpkg/asked/_names.py": "answer = 50\n",
    "deferpkg/asked/part.py": "from executions import record\n\nrecord(__name__)\nanswer = 51\n",
    "deferpkg/asked/fn.py": "def fn():\n    return 52\n",
    "deferpkg/__config__.py": "answer = 49\n",
    "deferpkg/dunders.py": "__author__ = 'somebody'\n\nBASE = type(__import__('sys').modules[__name__])\n",
    "deferpkg/documented.py": '''\
        """
        >>> 1 + 1
        2
        """
        ''',
    "deferpkg/_base.py": "class Base:\n    pass\n",
    "deferpkg/told.py": '"""Told."""\n',
    "deferpkg/replaced.py": """\
        import sys

        class Replacement:
            answer = 46

        sys.modules[__name__] = Replacement()
        """,
}
BROKEN = "from executions import record\n\nrecord(__name__)\nraise ImportError('libbroken.so is missing')\n"
USES_NOTHING = """
    import sys

    import deferpkg
    import deferpkg as also
    import deferpkg.part as part
    from deferpkg import part as too

    def test_light():
        assert deferpkg is also is sys.modules["deferpkg"]
        assert part is too is sys.modules["deferpkg.part"]
    """


@pytest.fixture
def run(suite: Suite, installed: Installed) -> Run:
    """Runs the suite where ``deferpkg`` and ``brokenpkg`` are installed and declared, and deferred."""
    installed.add("deferpkg", "1.0", PACKAGE)
    installed.add("brokenpkg", "1.0", {"brokenpkg/__init__.py": BROKEN})
    suite.declare("deferpkg", "brokenpkg")

    def run(*args: str, defer: bool = True) -> pytest.RunResult:
        flags = ["--heavy-defer"] if defer else []
        return suite.run(*flags, *args, path=(installed.site,), **installed.environment)

    return run


def test_what_nobody_uses_is_not_executed(suite: Suite, run: Run) -> None:
    """Whatever form the import has, at the top of a test file or of the code under test."""
    suite.write("app.py", "import deferpkg\nfrom deferpkg import part\n")
    suite.tests(f"{USES_NOTHING}\n    def test_app():\n        import app\n        assert app.part is part\n")
    run().assert_outcomes(passed=2)
    assert suite.executions() == {}


def test_by_the_file(suite: Suite, run: Run) -> None:
    """``heavy_defer = true`` does what the flag does; by default nothing is deferred."""
    suite.tests(USES_NOTHING)
    run(defer=False).assert_outcomes(passed=1)
    assert suite.executions() == {"deferpkg": 1, "deferpkg.part": 1}
    suite.declare("deferpkg", heavy_defer="true")
    suite.log.unlink()
    run(defer=False).assert_outcomes(passed=1)
    assert suite.executions() == {}


def test_the_first_use_executes_it_once_and_in_place(suite: Suite, run: Run) -> None:
    """All names of the module are the same object, before and after, and so are those of its parts."""
    suite.tests(
        f"""{USES_NOTHING}
    def test_heavy():
        assert part.answer == 43
        assert deferpkg.answer == 42
        assert deferpkg is also is sys.modules["deferpkg"]
        assert deferpkg.part is part is too is sys.modules["deferpkg.part"]
        assert type(deferpkg) is type(part) is type(sys)
        assert deferpkg.__spec__.loader is deferpkg.__loader__
        assert type(deferpkg.__loader__).__module__.startswith("_frozen_importlib")

    def test_again():
        import deferpkg.later
        assert deferpkg.later.answer == 44
    """
    )
    run().assert_outcomes(passed=3)
    assert suite.executions() == {"deferpkg": 1, "deferpkg.part": 1, "deferpkg.later": 1}


def test_the_package_is_executed_before_its_part(suite: Suite, run: Run) -> None:
    """As ever, whatever is used first."""
    suite.tests("import deferpkg.later as later\n\ndef test_it():\n    assert later.answer == 44\n")
    run().assert_outcomes(passed=1)
    assert list(suite.executions()) == ["deferpkg", "deferpkg.part", "deferpkg.later"]


@pytest.mark.parametrize(
    "statement",
    [
        "from deferpkg import answer",
        "from deferpkg import *\n\n    assert answer == 42",
        "import deferpkg\n\n    class Derived(deferpkg.Base): pass",
    ],
)
def test_what_takes_a_name_loads_then_and_there(suite: Suite, run: Run, statement: str) -> None:
    """The report names the file that has taken it."""
    suite.tests(f"{statement}\n\ndef test_it(): pass\n".replace("\n    ", "\n"))
    result = run()
    result.assert_outcomes(passed=1)
    assert suite.executions() == {"deferpkg": 1, "deferpkg.part": 1}
    [line] = section(result)
    assert "first: test_it.py:" in line
    assert line.endswith("in test_it.py (collection)")


def test_a_name_that_hides_a_part(suite: Suite, run: Run) -> None:
    """``from package import name`` gives what the package binds, where that is no module."""
    suite.tests("from deferpkg import shadowed\n\ndef test_it():\n    assert shadowed() == 45\n")
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "statements",
    [
        "import deferpkg.shadowed\nfrom deferpkg import shadowed",
        "import deferpkg.shadowed\nshadowed = deferpkg.shadowed",
        "import deferpkg.shadowed as shadowed",
    ],
)
def test_a_part_whose_name_the_package_binds(suite: Suite, run: Run, statements: str) -> None:
    """The name gives what the package binds, though the part was imported before."""
    suite.tests(f"{statements}\n\ndef test_it():\n    assert shadowed() == 45\n")
    run(defer=False).assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_a_name_that_may_come_by_star(suite: Suite, run: Run) -> None:
    """``from package import name`` of a package that binds names unseen gives what it binds."""
    suite.tests("from deferpkg.stars import starred\n\ndef test_it():\n    assert starred() == 47\n")
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "statement",
    ["import deferpkg.asked.part as part", "from deferpkg.asked import part", "from deferpkg import asked"],
)
def test_a_package_that_gives_its_parts_when_asked(suite: Suite, run: Run, statement: str) -> None:
    """By a ``__getattr__`` of its own, as scipy does, beside names that come by a star: it is put off as others are."""
    suite.tests(
        f"""
        {statement}

        def test_light(): pass

        def test_use():
            assert globals().get("part", asked.part if "asked" in globals() else None).answer == 51
        """
    )
    run("-k", "light").assert_outcomes(passed=1, deselected=1)
    assert suite.executions() == {}
    run().assert_outcomes(passed=2)


def test_a_function_that_a_package_gives_when_asked(suite: Suite, run: Run) -> None:
    """It has the name of the part that it is in."""
    suite.tests("from deferpkg.asked import fn\n\ndef test_it():\n    assert fn() == 52\n")
    run(defer=False).assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_a_name_that_comes_from_above(suite: Suite, run: Run) -> None:
    """``from .. import later`` in a package binds no part of its own, though it has one of that name."""
    suite.tests("from deferpkg.sub import later\n\ndef test_it():\n    assert later.answer == 44\n")
    run(defer=False).assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_a_part_that_is_made_by_its_package(suite: Suite, run: Run) -> None:
    """A part that no finder finds is there once the package is loaded, and so that is."""
    suite.tests("import deferpkg.made\n\ndef test_it(): pass\n")
    run(defer=False).assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize("expression", ["vars(deferpkg)['answer']", "deferpkg.__dict__['answer']"])
def test_its_namespace_is_a_use(suite: Suite, run: Run, expression: str) -> None:
    """Who looks into the namespace sees what the module has."""
    suite.tests(f"import deferpkg\n\ndef test_it():\n    assert {expression} == 42\n")
    run().assert_outcomes(passed=1)


def test_its_docstring_is_a_use(suite: Suite, run: Run) -> None:
    """What the module says of itself is what its code says."""
    suite.tests("import deferpkg.told as told\n\ndef test_it():\n    assert told.__doc__ == 'Told.'\n")
    run().assert_outcomes(passed=1)


def test_who_only_asks_gets_the_real_answer(suite: Suite, run: Run) -> None:
    """``find_spec`` of what is not imported yet is answered by the finder that finds it; ``runpy`` runs it."""
    suite.tests(
        """
        import importlib.util
        import runpy

        def test_it():
            spec = importlib.util.find_spec("deferpkg.part")
            assert spec.loader.get_code("deferpkg.part") is not None
            assert runpy.run_module("deferpkg.later")["answer"] == 44
        """
    )
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize("fake", ["None", "MagicMock()"])
def test_a_fake_in_its_place_at_the_first_use(suite: Suite, run: Run, fake: str) -> None:
    """Who holds the module uses the module, whatever stands in ``sys.modules`` for a while; later users have it too."""
    suite.tests(
        f"""
        import sys
        from unittest.mock import MagicMock

        import deferpkg

        def test_fake(monkeypatch):
            monkeypatch.setitem(sys.modules, "deferpkg", {fake})
            assert deferpkg.answer == 42
            assert sys.modules["deferpkg"] is not deferpkg

        def test_later():
            assert sys.modules["deferpkg"] is deferpkg
            assert deferpkg.answer == 42
        """
    )
    run("-p", "timeout", "--timeout=20").assert_outcomes(passed=2)
    assert suite.executions()["deferpkg"] == 1


def test_the_first_use_under_patch_dict(suite: Suite, run: Run) -> None:
    """What the import brings in while somebody takes everything back is kept, without a guard too."""
    suite.tests(
        """
        import sys
        from unittest import mock

        import deferpkg

        def test_patched():
            with mock.patch.dict(sys.modules):
                assert deferpkg.answer == 42

        def test_later():
            import deferpkg.part
            assert deferpkg.part.answer == 43
            assert sys.modules["deferpkg"] is deferpkg
        """
    )
    run().assert_outcomes(passed=2)
    assert suite.executions() == {"deferpkg": 1, "deferpkg.part": 1}


def test_a_module_that_replaces_itself(suite: Suite, run: Run) -> None:
    """What a module puts in its own place is what everybody uses."""
    suite.tests(
        """
        import sys

        import deferpkg
        import deferpkg.replaced as replaced

        def test_it():
            assert replaced.answer == 46
            assert sys.modules["deferpkg.replaced"] is deferpkg.replaced is replaced
            replaced.answer = 47
            assert sys.modules["deferpkg.replaced"].answer == replaced.answer == 47
        """
    )
    run().assert_outcomes(passed=1)


def test_setting_and_deleting_are_uses(suite: Suite, run: Run) -> None:
    """What a test sets lasts, for the module has been executed before; ``dir`` tells everything."""
    suite.tests(
        """
        import deferpkg

        def test_it(monkeypatch):
            deferpkg.answer = 1
            monkeypatch.setattr("deferpkg.part.answer", 2)
            assert (deferpkg.answer, deferpkg.part.answer) == (1, 2)
            del deferpkg.answer
            assert not hasattr(deferpkg, "answer")

        def test_dir():
            import deferpkg.later
            assert "answer" in dir(deferpkg.later)
        """
    )
    run().assert_outcomes(passed=2)


@pytest.mark.parametrize("name", ["__version__", "__all__"])
def test_dunders_that_a_module_may_own(suite: Suite, run: Run, name: str) -> None:
    """``__version__`` and ``__all__`` are asked of the module; it is not there if the module hasn't got it."""
    is_there = name == "__version__"
    suite.tests(f"import deferpkg\n\ndef test_it():\n    assert hasattr(deferpkg, '{name}') is {is_there}\n")
    run().assert_outcomes(passed=1)
    assert suite.executions()["deferpkg"] == 1


@pytest.mark.parametrize(
    ("statement", "expression"),
    [
        ("import deferpkg.dunders as module", "module.__author__ == 'somebody'"),
        ("import deferpkg.dunders as module", "hasattr(module, '__author__')"),
        ("import deferpkg as module, deferpkg.later", "not hasattr(module, '__config__')"),
        ("import deferpkg as module, deferpkg.__config__", "module.__config__.answer == 49"),
    ],
)
def test_dunders_that_a_module_does_own(suite: Suite, run: Run, statement: str, expression: str) -> None:
    """What its code binds, and parts that have such names, are there (``torch.__config__``)."""
    suite.tests(f"{statement}\n\ndef test_it():\n    assert {expression}\n")
    run(defer=False).assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)


def test_a_dunder_that_is_set_stays(suite: Suite, run: Run) -> None:
    """Setting one is a use, as of any other name."""
    suite.tests(
        """
        import deferpkg

        def test_it():
            deferpkg.__version__ = "9"
            assert deferpkg.answer == 42
            assert deferpkg.__version__ == "9"
        """
    )
    run().assert_outcomes(passed=1)


def test_a_class_that_derives_from_its_type(suite: Suite, run: Run) -> None:
    """``class Derived(type(sys.modules[name]))`` derives from the type that modules have."""
    suite.tests(
        """
        import types

        import deferpkg
        import deferpkg.dunders as dunders

        class Derived(type(deferpkg)):
            @property
            def answer(self):
                return 50

        def test_it():
            assert Derived.__bases__ == (types.ModuleType,)
            assert Derived("derived").answer == 50
            deferpkg.__class__ = Derived
            assert deferpkg.answer == 50

        def test_in_its_own_code():
            class Derived(dunders.BASE):
                pass

            assert Derived("derived").__name__ == "derived"
        """
    )
    run().assert_outcomes(passed=2)


def test_pickling_and_copying(suite: Suite, run: Run) -> None:
    """Who has a way with modules, as cloudpickle does, has it with a deferred one; the others refuse it as ever."""
    suite.tests(
        """
        import copy
        import importlib
        import io
        import pickle
        import types

        import pytest

        import deferpkg
        import deferpkg.dunders as dunders
        import deferpkg.later as later
        import deferpkg.part as part

        class CloudPickler(pickle.Pickler):
            dispatch_table = {types.ModuleType: lambda module: (importlib.import_module, (module.__name__,))}

        def test_by_name():
            file = io.BytesIO()
            CloudPickler(file).dump([later, later])
            assert pickle.loads(file.getvalue()) == [later, later]

        @pytest.mark.parametrize(("refusing", "module"), [(pickle.dumps, part), (copy.deepcopy, dunders)])
        def test_refused(refusing, module):
            with pytest.raises(TypeError, match="cannot pickle 'module' object"):
                refusing(module)
        """
    )
    run(defer=False).assert_outcomes(passed=3)
    run().assert_outcomes(passed=3)


def test_its_doctests(suite: Suite, run: Run) -> None:
    """``doctest.testmod`` of a deferred module finds what it says."""
    suite.tests(
        """
        import doctest

        import deferpkg.documented as documented

        def test_it():
            assert doctest.testmod(documented).attempted == 1
        """
    )
    run().assert_outcomes(passed=1)


def test_a_package_without_source(suite: Suite, run: Run, installed: Installed) -> None:
    """Bytecode alone can be put off too."""
    installed.add("compiledpkg", "1.0", {"compiledpkg.py": PACKAGE["deferpkg/later.py"]})
    source = installed.site / "compiledpkg.py"
    py_compile.compile(str(source), str(source.with_suffix(".pyc")))
    source.unlink()
    suite.declare("compiledpkg")
    suite.tests("import compiledpkg\n\ndef test_light(): pass\ndef test_heavy(): assert compiledpkg.answer == 44\n")
    run("-k", "light").assert_outcomes(passed=1, deselected=1)
    assert suite.executions() == {}
    run().assert_outcomes(passed=2)


def test_a_missing_module_is_missing_at_once(suite: Suite, run: Run) -> None:
    """``try: import`` and ``pytest.importorskip`` see what they saw."""
    suite.tests(
        """
        import pytest

        try:
            import deferpkg.absent
        except ModuleNotFoundError as error:
            name = error.name

        def test_it():
            assert name == "deferpkg.absent"

        def test_skipped():
            pytest.importorskip("deferpkg.absent")

        def test_there():
            assert pytest.importorskip("deferpkg").answer == 42
        """
    )
    run().assert_outcomes(passed=2, skipped=1)


def test_an_import_that_fails(suite: Suite, run: Run) -> None:
    """The first use raises the import's own error, with the line of the import; each later use raises it again."""
    suite.tests(
        """
        import brokenpkg

        def test_first():
            brokenpkg.answer

        def test_again():
            brokenpkg.other
        """
    )
    result = run()
    result.assert_outcomes(failed=2)
    assert suite.executions() == {"brokenpkg": 1}
    assert str(result.stdout).count("ImportError: libbroken.so is missing") >= 2
    result.stdout.fnmatch_lines(["E   'brokenpkg' was imported at *test_it.py:1, and first used now (heavy_defer)."])


COLLECTED = {
    "test_functions.py": """
        import deferpkg

        def test_it(): pass
        class TestIt:
            def test_method(self): pass
        """,
    "test_unittest.py": """
        import unittest

        import deferpkg

        class TestIt(unittest.TestCase):
            def test_method(self): pass
        """,
    "documented.py": '''
        """
        >>> 1 + 1
        2
        """
        import deferpkg
        ''',
    "conftest.py": """
        import deferpkg
        import pytest

        @pytest.fixture(autouse=True)
        def every():
            return deferpkg
        """,
}


@pytest.mark.parametrize(
    "arguments", [[], ["--import-mode=importlib"], ["--assert=plain"], ["--heavy-guard=error"], ["--collect-only"]]
)
def test_collecting_uses_nothing(suite: Suite, run: Run, arguments: list[str]) -> None:
    """pytest, unittest and doctest look at every name of a file, and wake nothing."""
    for file, text in COLLECTED.items():
        suite.write(file, text)
    run("--doctest-modules", *arguments)
    assert suite.executions() == {}


def test_inspecting_uses_nothing(suite: Suite, run: Run) -> None:
    """``inspect`` gets what the file says, and tools that ask for what modules rarely have get nothing."""
    suite.tests(
        """
        import inspect
        from unittest import mock

        import deferpkg

        def test_it():
            assert inspect.ismodule(deferpkg)
            assert inspect.getsourcefile(deferpkg) == deferpkg.__file__
            assert inspect.unwrap(deferpkg) is deferpkg
            assert "from '" in repr(deferpkg)
            assert not hasattr(deferpkg, "__wrapped__")
            assert hasattr(deferpkg, "__path__")
        """
    )
    run().assert_outcomes(passed=1)
    assert suite.executions() == {}


def test_fixtures_use_it(suite: Suite, run: Run) -> None:
    """An alias and ``heavy_module`` give the module, executed, and the report tells what that cost."""
    suite.declare("deferpkg >= 1.0", heavy_defer="true")
    suite.tests(
        """
        import deferpkg as imported

        def test_alias(deferpkg):
            assert type(deferpkg).__name__ == "module"
            assert deferpkg is imported

        def test_callable(heavy_module):
            assert heavy_module("deferpkg.later").answer == 44
        """
    )
    result = run()
    result.assert_outcomes(passed=2)
    [line] = section(result)
    assert line.endswith("first: test_it.py::test_alias (setup, by its mark)")


def test_an_extension_loads_its_package_first(suite: Suite, extension: Installed) -> None:
    """What C code does can't be put off, and happens in the order that the package wants, once."""
    suite.declare("extpkg", heavy_defer="true")
    suite.tests(
        """
        import extpkg
        import extpkg._core

        def test_it():
            assert type(extpkg).__name__ == "module"
            assert extpkg._core is sys.modules["extpkg._core"]

        import sys
        """
    )
    suite.run(path=(extension.site,), **extension.environment).assert_outcomes(passed=1)
    assert suite.executions() == {"extpkg": 1}


@pytest.mark.parametrize("guard", ["off", "restore", "error"])
def test_taken_away_before_its_first_use(suite: Suite, run: Run, guard: str) -> None:
    """A module that was thrown out of ``sys.modules`` unused comes back as the same object."""
    suite.tests(
        """
        import sys
        from unittest import mock

        import deferpkg

        def test_popped():
            del sys.modules["deferpkg"]
            import deferpkg as again
            assert again is deferpkg

        def test_rolled_back():
            with mock.patch.dict(sys.modules):
                import deferpkg.later
            import deferpkg.later as later
            assert later.answer == 44
            assert deferpkg.answer == 42
        """
    )
    run(f"--heavy-guard={guard}").assert_outcomes(passed=2)
    assert suite.executions() == {"deferpkg": 1, "deferpkg.part": 1, "deferpkg.later": 1}


@pytest.mark.parametrize("guard", ["restore", "error"])
def test_the_guard_keeps_what_was_deferred(suite: Suite, run: Run, guard: str) -> None:
    """Once executed, a module is protected like any other."""
    suite.tests(
        """
        import sys

        import deferpkg

        def test_one(monkeypatch):
            assert deferpkg.answer == 42
            monkeypatch.delitem(sys.modules, "deferpkg")

        def test_two():
            import deferpkg as again
            assert again is deferpkg
        """
    )
    run(f"--heavy-guard={guard}").assert_outcomes(passed=2)
    assert suite.executions()["deferpkg"] == 1


def test_threads_that_use_it_at_once(suite: Suite, run: Run) -> None:
    """It is executed once, and all of them wait until it is."""
    suite.tests(
        """
        import threading

        import deferpkg.later

        def test_it():
            start, seen = threading.Barrier(8), []

            def use():
                start.wait()
                seen.append(deferpkg.later.answer)

            threads = [threading.Thread(target=use) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert seen == [44] * 8
        """
    )
    for _ in range(10):
        run().assert_outcomes(passed=1)
    assert suite.executions()["deferpkg"] == 10


def test_a_session_ends_clean(suite: Suite, run: Run, installed: Installed) -> None:
    """After it an import is one like any other, and what was imported by it works on."""
    suite.tests("import deferpkg\n\ndef test_it(): pass\n")
    script = suite.write(
        "script.py",
        """
        import sys

        import pytest

        finders = list(sys.meta_path)
        pytest.main(["-q", "-p", "no:cacheprovider", "-p", "pytest_heavyimports.plugin", "--heavy-defer"])
        held = sys.modules["test_it"].deferpkg
        assert "deferpkg" not in sys.modules
        assert [finder for finder in sys.meta_path if "pytest" in type(finder).__module__] == []
        import deferpkg
        assert type(deferpkg).__name__ == "module"
        assert held.answer == deferpkg.answer == 42
        """,
    )
    result = suite.run_script(script.name, path=(installed.site,), **installed.environment)
    assert result.ret == 0, str(result.stderr)
    assert suite.executions()["deferpkg"] == 1


def test_under_xdist(suite: Suite, run: Run) -> None:
    """Each worker defers."""
    suite.tests(USES_NOTHING)
    run("-n", "2", "-p", "xdist").assert_outcomes(passed=1)
    assert suite.executions() == {}


def test_marked_tests_load_before_their_setup(suite: Suite, run: Run) -> None:
    """Outside of what surrounds the test itself: it says what it needs, by fixture or by hand."""
    suite.tests(
        """
        import pytest

        import deferpkg

        @pytest.fixture(autouse=True)
        def is_loaded():
            return type(deferpkg).__name__ == "module"

        def test_light(is_loaded):
            assert not is_loaded

        @pytest.mark.heavy("deferpkg")
        def test_heavy(is_loaded):
            assert is_loaded
        """
    )
    run().assert_outcomes(passed=2)
