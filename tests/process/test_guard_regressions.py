"""What random sequences have found, each as the shortest suite-like program that shows it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..support.installed import Installed

Run = Callable[[str], str]

PRELUDE = """
import importlib, sys, warnings
from contextlib import nullcontext
from unittest.mock import MagicMock, patch

from pytest_heavyimports.errors import *
from pytest_heavyimports.guard.session import Guard
from pytest_heavyimports.imports.install import install
from pytest_heavyimports.imports.keeper import Keeper
from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.places import Whereabouts

bodies = []
sys.modules["builtins"].begun = bodies.append
keeper = Keeper()

def session(mode):
    guard = Guard(mode, keeper, ledger=Ledger(), whereabouts=Whereabouts(""), around=nullcontext)
    install(guard, keeper)
    guard.protect({"tree": "'tree'", "beside": "'beside'"})
    return guard

def begun_session(mode):
    guard = session(mode)
    guard.settle_start()
    return guard
"""


@pytest.fixture
def run(python: Callable[..., str], tree: Installed) -> Run:
    """Runs code under a guard, in a process of its own, where the tree is installed."""

    def run(code: str) -> str:
        return python(PRELUDE + textwrap.dedent(code), path=(tree.site,), **tree.environment)

    return run


def test_what_replaced_itself_keeps_nothing_of_ours(run: Run) -> None:
    """A module without a spec, such as one that put an object in its own place, has none after it was given back."""
    run(
        """
        guard = begun_session("restore")
        module = importlib.import_module("tree.swapped")
        assert (module.__spec__, module.__loader__) == (None, None)
        del sys.modules["tree.swapped"]
        assert importlib.import_module("tree.swapped") is module
        assert (module.__spec__, module.__loader__) == (None, None)
        """
    )


def test_an_inner_session_leaves_the_fakes_of_the_outer_one(run: Run) -> None:
    """A fake that a test has put in is still there after a session that began, in this process, inside of the test."""
    run(
        """
        guard = begun_session("restore")
        import tree
        with guard.testing("test_a.py::test_one", is_lifted=False):
            with patch.dict(sys.modules, {"tree": MagicMock()}):
                fake = sys.modules["tree"]
                inner = begun_session("restore")
                assert sys.modules["tree"] is fake
        """
    )


def test_a_refusal_leaves_nothing_half_imported(run: Run) -> None:
    """
    A culprit that imports a module for the first time, which needs what the culprit threw out, does no harm to others:
    a refusal in the middle would leave it half imported for the whole session.
    """
    run(
        """
        guard = begun_session("error")
        import tree
        with guard.testing("test_a.py::test_one", is_lifted=False):
            del sys.modules["tree.a"]
            try:
                import tree.late
            except ReimportRefused:
                pass
            guard.settle_test("test_a.py::test_one")
        with guard.testing("test_a.py::test_two", is_lifted=False):
            import tree.late
        assert bodies.count("tree.late") == 1
        """
    )


@pytest.mark.parametrize("name", ["tree", "tree.a"])
@pytest.mark.parametrize("before", ["import tree", ""], ids=["imported", "never imported"])
def test_none_that_a_file_leaves_is_lent_to_it(run: Run, name: str, before: str) -> None:
    """``sys.modules[name] = None`` at the top of a file is there for its own tests, and for nobody else."""
    run(
        f"""
        guard = begun_session("restore")
        {before}
        with guard.collecting("test_a.py"):
            sys.modules["{name}"] = None
        guard.settle_file("test_a.py", is_lifted=False)
        with guard.testing("test_b.py::test_other", is_lifted=False):
            assert sys.modules.get("{name}", "") is not None
        with guard.testing("test_a.py::test_own", is_lifted=False):
            assert sys.modules.get("{name}", "") is None
        """
    )


def test_a_warning_that_is_an_error_breaks_no_first_import(run: Run) -> None:
    """With ``filterwarnings = error``, a module that was executed under a fake is there, and not executed again."""
    run(
        """
        guard = begun_session("restore")
        with patch.dict(sys.modules, {"beside": MagicMock()}):
            try:
                import tree.mocked
            except HeavyImportWarning:
                pass
        import tree.mocked
        assert bodies.count("tree.mocked") == 1
        """
    )


def test_a_fake_in_exchange_for_another_module_is_seen(run: Run) -> None:
    """A file that leaves a fake of a part and throws another part out leaves the number of modules as it is."""
    run(
        """
        guard = begun_session("restore")
        import tree
        with guard.collecting("test_a.py"):
            del sys.modules["tree.a"]
            sys.modules["tree.b"] = fake = MagicMock()
            sys.modules["tree"] = sys.modules["tree"]
        guard.settle_file("test_a.py", is_lifted=False)
        assert "tree.b" not in sys.modules
        """
    )


def test_a_module_that_vanishes_before_its_first_statement_is_kept(run: Run) -> None:
    """Another thread may purge a module between the moment that it is put in and the moment that it is executed."""
    run(
        """
        guard = begun_session("restore")
        executing = keeper.executing
        def purged(fullname, module):
            if fullname == "tree.late.first":
                del sys.modules[fullname]
            return executing(fullname, module)
        keeper.executing = purged
        for _ in range(2):
            try:
                import tree.late.first
            except KeyError:
                pass
        assert bodies.count("tree.late.first") == 1
        """
    )


def test_threads_that_import_two_parts_at_once_execute_neither(run: Run) -> None:
    """A part that one thread gives back, just when another looks for it, is not executed again."""
    run(
        """
        import threading

        guard = begun_session("restore")
        import tree.b
        part = tree.a
        del sys.modules["tree.a"], sys.modules["tree.b"]
        give_back, is_protected = keeper.give_back, guard.is_protected
        giving, looking, given = threading.Event(), threading.Event(), threading.Event()

        def giving_back(fullname):
            if fullname == "tree.b":
                giving.set()
                looking.wait(timeout=10)
                give_back(fullname)
                given.set()
            else:
                give_back(fullname)

        def looking_for(fullname):
            if fullname == "tree.a" and threading.current_thread() is threading.main_thread():
                looking.set()
                assert given.wait(timeout=60)
            return is_protected(fullname)

        keeper.give_back, guard.is_protected = giving_back, looking_for
        thread = threading.Thread(target=importlib.import_module, args=("tree.b",))
        thread.start()
        giving.wait(timeout=10)
        assert importlib.import_module("tree.a") is part
        thread.join()
        assert bodies.count("tree.a") == 1
        """
    )


def test_a_part_is_an_attribute_though_its_package_vanished_as_it_was_loaded(run: Run) -> None:
    """A thread takes the package away when the part is executed, just before importlib sets the attribute."""
    run(
        """
        guard = begun_session("restore")
        import tree

        def purge(frame, event, argument):
            if (frame.f_code.co_name, event) == ("_load_unlocked", "return") and argument is not None:
                if argument.__name__ == "tree.late":
                    sys.setprofile(None)
                    del sys.modules["tree"]

        sys.setprofile(purge)
        try:
            importlib.import_module("tree.late")
        except KeyError as error:  # importlib's own
            assert str(error) == "'tree'"
        else:
            raise AssertionError
        assert importlib.import_module("tree") is tree
        assert tree.late is sys.modules["tree.late"] is keeper.kept["tree.late"]
        assert bodies.count("tree.late") == 1
        """
    )


# The import of a part waits for its package there (CPython's issue 83065), and this one would wait for the part.
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="no thread sees a part half done")
@pytest.mark.parametrize("mode", ["restore", "error"])
def test_a_package_that_saw_a_part_half_done_in_another_thread_is_tried_again(
    python: Callable[..., str], tree: Installed, tmp_path: Path, mode: str
) -> None:
    """Importlib lets one of two threads go on that wait for each other; the next import is whole as in plain Python."""
    package = tmp_path / "racing"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import threading, time\n"
        "from . import whole\n"
        "if threading.current_thread() is threading.main_thread():\n"
        "    go.set()\n"
        "    in_part.wait(), time.sleep(0.2)\n"
        "from .part import answer\n",
        encoding="utf-8",
    )
    (package / "whole.py").write_text("begun(__name__)\n", encoding="utf-8")
    (package / "part.py").write_text(
        "import contextlib, importlib\n"
        "in_part.set()\n"
        "with contextlib.suppress(ImportError):\n"
        "    importlib.import_module('racing')\n"
        "answer = 42\n",
        encoding="utf-8",
    )
    code = f"""
import builtins, threading
builtins.go, builtins.in_part = threading.Event(), threading.Event()
guard = session({mode!r})
guard.protect({{"racing": "'racing'"}})
guard.settle_start()

def import_part():
    go.wait()
    importlib.import_module("racing.part")

thread = threading.Thread(target=import_part)
thread.start()
try:
    importlib.import_module("racing")
except ImportError as error:
    assert "partially initialized" in str(error), error
else:
    raise AssertionError
thread.join()
racing = importlib.import_module("racing")
assert racing.answer == 42
assert racing.part is sys.modules["racing.part"]
assert racing.whole is sys.modules["racing.whole"]
assert bodies.count("racing.whole") == 1
"""
    python(PRELUDE + code, path=(tree.site, tmp_path), **tree.environment)


def test_a_fake_in_exchange_for_a_fake_is_seen(run: Run) -> None:
    """A test that puts a fake of a part in the place of an earlier one, which was seen already, leaves none."""
    run(
        """
        guard = begun_session("restore")
        with guard.testing("test_a.py::test_one", is_lifted=False):
            sys.modules["tree.a"] = MagicMock()
            guard.watch.check(every_module=True)
            sys.modules["tree.a"] = MagicMock()
            guard.settle_test("test_a.py::test_one")
        assert "tree.a" not in sys.modules
        """
    )


def test_a_question_takes_nothing_away(run: Run) -> None:
    """Who asks the finders himself, as another finder may, leaves a loaded module where it is."""
    run(
        """
        guard = begun_session("restore")
        import tree
        for finder in list(sys.meta_path):
            finder.find_spec("tree", None)
        assert sys.modules.get("tree") is tree
        """
    )


def test_threads_that_import_parts_at_once_execute_none(run: Run) -> None:
    """The same by chance: threads that import different parts, which were thrown out, some hundred times."""
    run(
        """
        import threading

        guard = begun_session("restore")
        import tree.b
        names = ["tree.a", "tree.b", "tree.sub"]
        sys.setswitchinterval(1e-6)
        for _ in range(800):
            for name in names:
                del sys.modules[name]
            start = threading.Barrier(len(names))
            threads = [
                threading.Thread(target=lambda name=name: (start.wait(), importlib.import_module(name)))
                for name in names
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert [bodies.count(name) for name in names] == [1, 1, 1]
        """
    )


def test_a_collection_while_a_part_is_put_back_makes_nobody_wait(run: Run) -> None:
    """
    Threads begin and end meanwhile: ``sys._current_frames`` can't be asked which are there.

    Reference: CPython's issue 106883.
    """
    run(
        """
        import faulthandler, gc, threading

        faulthandler.dump_traceback_later(60, exit=True)

        class Slow:
            def __del__(self):
                for _ in range(50): pass

        def make_garbage():
            first, second = Slow(), Slow()
            first.other, second.other = second, first

        def give_back():
            while not is_over:
                make_garbage()
                keeper.give_back("tree")

        is_over = False
        keeper.keep("tree", importlib.import_module("tree"))
        gone = threading.Thread(target=keeper.await_import, args=("tree.a",))  # and was broken off
        gone.start()
        gone.join()
        gc.set_threshold(5)
        sys.setswitchinterval(1e-6)
        busy = threading.Thread(target=give_back)
        busy.start()
        for _ in range(400):
            threads = [threading.Thread(target=make_garbage) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        is_over = True
        busy.join()
        """
    )


def test_the_nested_fixture_is_not_the_culprit(run: Run) -> None:
    """A first import under ``patch.dict`` in one fixture's setup is not taken for that of the fixture inside of it."""
    run(
        """
        from pytest_heavyimports.facts.places import Place

        guard = begun_session("error")
        with guard.testing("test_a.py::test_one", is_lifted=False):
            place = Place("setup", "test_a.py::test_one", "it")
            with guard.setting_up("outer", place, is_shared=False):
                with patch.dict(sys.modules):
                    import tree.a
                with guard.setting_up("inner", place, is_shared=False):
                    assert importlib.import_module("tree.a") is tree.a
        """
    )


def test_the_nested_fixture_is_not_the_culprit_of_a_part(run: Run) -> None:
    """The same with a part of a package, which is looked at less often."""
    run(
        """
        from pytest_heavyimports.facts.places import Place

        guard = begun_session("error")
        import tree.a
        with guard.testing("test_a.py::test_one", is_lifted=False):
            place = Place("setup", "test_a.py::test_one", "it")
            with guard.setting_up("outer", place, is_shared=False):
                part = sys.modules.pop("tree.a")
                with guard.setting_up("inner", place, is_shared=False):
                    assert importlib.import_module("tree.a") is part
        """
    )
