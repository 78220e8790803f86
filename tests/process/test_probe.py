"""Probes: what the child sees of an import, and how it is told that an import has failed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_heavyimports import ImportProbe, InvalidDeclaration, NotBroughtIn, ProbeFailed
from pytest_heavyimports.probe import process as probe_process
from pytest_heavyimports.probe.probe import Prober
from pytest_heavyimports.probe.process import CHILD

from ..support.suite import unmeasured
from ..support.waiting import LIMIT_S, Fifo, has_ended, restore_sigint

Write = Callable[[str, str], Path]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module into a directory that is on ``sys.path``."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def write(file: str, text: str) -> Path:
        target = tmp_path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text), encoding="utf-8")
        return target

    return write


@pytest.fixture
def prober(tmp_path: Path) -> Prober:
    """The probes of a session."""
    return Prober(tmp_path)


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Code that tells that an import has come so far: until then the probes' clock stands still, then it is late."""
    told = tmp_path / "begun"
    clock = SimpleNamespace(monotonic=lambda: 1000.0 if told.exists() else 0.0)
    monkeypatch.setattr(probe_process, "time", clock)
    return f"__import__('os').mkdir({str(told)!r})"


def failure(prober: Prober, fullname: str, timeout: float = 60.0) -> str:
    """The text of the failure to import a module."""
    with pytest.raises(ProbeFailed) as caught:
        prober(fullname, timeout=timeout)
    assert caught.value.fullname == fullname
    return str(caught.value)


def at_start(write: Write) -> set[str]:
    """What an interpreter imports when it starts, and before it runs a program."""
    program = write("program.py", "import sys\nprint(*sys.modules)\n")
    command = [sys.executable, str(program)]
    return set(subprocess.run(command, env=unmeasured(), capture_output=True, text=True).stdout.split())


# What came in


def test_modules_are_those_that_came_in_in_their_order(prober: Prober, write: Write) -> None:
    """A package comes before its parts, an importer before what it imports, and nothing else is in."""
    write("app/__init__.py", "")
    write("app/cli.py", "from . import model\nfrom app import views\n")
    write("app/model.py", "import app.store\n")
    write("app/store.py", "")
    write("app/views.py", "import app.store, os, sys\n")
    probe = prober("app.cli")
    assert probe.fullname == "app.cli"
    assert probe.modules == ("app", "app.cli", "app.model", "app.store", "app.views")
    assert "app.store" in probe
    assert "app.other" not in probe
    assert type(probe) is ImportProbe


def test_what_the_interpreter_imports_at_start_is_not_counted(prober: Prober, write: Write) -> None:
    """Nothing of it is in, and nothing is hidden that the child needs itself."""
    names = set(sys.stdlib_module_names) - {"antigravity", "this", "idlelib", "turtledemo", "test", "lib2to3"}
    wanted = sorted(name for name in names if name[0] != "_")
    write(
        "everything.py",
        f"import contextlib\nfor name in {wanted}:\n    with contextlib.suppress(Exception): __import__(name)\n",
    )
    seen = set(prober("everything").modules)
    assert seen & at_start(write) == set()
    assert {"faulthandler", "json", "signal", "traceback", "typing", "__future__"} <= seen


def test_the_child_itself_imports_nothing_that_counts(prober: Prober, write: Write) -> None:
    """An empty module brings in itself."""
    write("empty.py", "")
    assert prober("empty").modules == ("empty",)


def test_a_module_of_the_start_brings_nothing_in(prober: Prober) -> None:
    """It is there already, and the probe says so where it is asked who imports it."""
    probe = prober("os")
    assert probe.modules == ()
    with pytest.raises(NotBroughtIn, match=r"The interpreter had imported it when it started\.$"):
        probe.chain("os")


def test_namespace_packages(prober: Prober, write: Write) -> None:
    """A package without ``__init__.py`` is a module as the others."""
    write("space/inner/leaf.py", "")
    assert prober("space.inner.leaf").modules == ("space", "space.inner", "space.inner.leaf")


def test_extension_modules(prober: Prober, write: Write) -> None:
    """What C code imports when it is initialised is brought in by the extension."""
    write("app.py", "import _pickle\n")
    probe = prober("app")
    assert probe.chain("_compat_pickle") == ("app", "_pickle", "_compat_pickle")
    assert "_compat_pickle  (by no import statement)" in "\n".join(probe.explain("_compat_pickle"))


def test_a_module_that_replaces_itself(prober: Prober, write: Write) -> None:
    """Whatever it puts in its place, it was imported."""
    write("app.py", "import swapped\n")
    write("swapped.py", "import sys\nimport leaf\nsys.modules[__name__] = object()\n")
    write("leaf.py", "")
    probe = prober("app")
    assert probe.modules == ("app", "swapped", "leaf")
    assert prober("swapped").modules == ("swapped", "leaf")


def test_what_was_thrown_out_again_was_imported(prober: Prober, write: Write) -> None:
    """It has cost its time, whether or not it is in ``sys.modules`` at the end."""
    write("app.py", "import sys\nimport leaf\ndel sys.modules['leaf']\nimport leaf\ndel sys.modules['leaf']\n")
    write("leaf.py", "")
    assert prober("app").modules == ("app", "leaf")


def test_what_is_put_into_sys_modules_by_hand(prober: Prober, write: Write) -> None:
    """It is in, by whoever put it there; None, which blocks an import, isn't."""
    write("app.py", "import filler\nimport exchanger\n")
    write(
        "filler.py",
        """
        import sys
        sys.modules["before"] = sys
        sys.modules["blocked"] = None
        import leaf
        sys.modules["after"] = sys
        """,
    )
    write(
        "exchanger.py",
        "import sys\nfor name in 'leaf', 'after': del sys.modules[name]\nsys.modules['exchanger.part'] = sys\n",
    )
    write("leaf.py", "")
    probe = prober("app")
    assert set(probe.modules) == {"app", "filler", "before", "leaf", "after", "exchanger", "exchanger.part"}
    assert probe.chain("before") == ("app", "filler", "before")
    assert probe.chain("after") == ("app", "filler", "after")
    assert probe.chain("exchanger.part") == ("app", "exchanger", "exchanger.part")


def test_names_that_no_statement_could_import(prober: Prober, write: Write) -> None:
    """Such a module can be imported by a function, and asked for; one that isn't there is a mistake in the name."""
    write("app.py", "__import__('odd-name')\n")
    write("odd-name.py", "")
    probe = prober("app")
    assert "odd-name" in probe
    assert probe.chain("odd-name") == ("app", "odd-name")
    assert "odd-name" in str(probe)
    with pytest.raises(InvalidDeclaration):
        assert "scikit-learn" not in probe


def test_names_of_a_type_of_somebodys_own(prober: Prober, write: Write) -> None:
    """A module may be imported by a member of an enum."""
    write(
        "app.py",
        """
        import enum

        class Name(str, enum.Enum):
            LEAF = "leaf"

        __import__(Name.LEAF)
        """,
    )
    write("leaf.py", "")
    assert prober("app").chain("leaf") == ("app", "leaf")


def test_an_import_that_failed_is_not_in(prober: Prober, write: Write) -> None:
    """What ``try: import … except ImportError:`` didn't get isn't there; what it got on the way is."""
    write(
        "app.py",
        """
        for name in ("broken", "nowhere"):
            try:
                __import__(name)
            except ImportError:
                pass
        """,
    )
    write("broken.py", "import leaf\nimport nowhere\n")
    write("leaf.py", "")
    probe = prober("app")
    assert probe.modules == ("app", "leaf")
    assert probe.chain("leaf") == ("app", "broken", "leaf")
    with pytest.raises(NotBroughtIn) as caught:
        probe.chain("broken")
    assert str(caught.value) == (
        "Importing 'app' doesn't import 'broken', so nothing leads to it. It was tried: that failed, or was put off "
        "until it is used."
    )


@pytest.mark.skipif(sys.version_info < (3, 15), reason="Python has no lazy imports")
def test_what_is_imported_lazily(prober: Prober, write: Write) -> None:
    """It is not in until it is used; and a name that is no module is taken from its module then."""
    write("heavy.py", "class Name: pass\n")
    write("light.py", "lazy import heavy\nlazy from heavy import Name\n")
    write("user.py", "from light import Name\nName()\n")
    assert "heavy" not in prober("light")
    expected = "Importing 'light' doesn't import 'heavy'. It is imported lazily, and not loaded."
    assert prober("light").explain("heavy") == [expected]
    assert "heavy" in prober("user")
    assert "heavy.Name" not in prober("user")


def test_lazy_modules_are_in_once_they_are_used(prober: Prober, write: Write) -> None:
    """What ``importlib.util.LazyLoader`` has put off isn't in; what has been used is."""
    write(
        "app.py",
        """
        import importlib.machinery, importlib.util, sys

        class Finder:
            @staticmethod
            def find_spec(name, path, target=None):
                if name in ("put_off", "used"):
                    spec = importlib.machinery.PathFinder.find_spec(name, path)
                    spec.loader = importlib.util.LazyLoader(spec.loader)
                    return spec

        sys.meta_path.insert(0, Finder)
        import put_off, used
        used.answer

        # As Python's documentation has it.
        spec = importlib.util.find_spec("by_hand")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = sys.modules["by_hand"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        """,
    )
    write("by_hand.py", "answer = 1\n")
    write("put_off.py", "answer = 1\n")
    write("used.py", "answer = 1\n")
    probe = prober("app")
    assert "used" in probe
    assert "put_off" not in probe
    assert "by_hand" not in probe


def test_threads_that_never_end(prober: Prober, write: Write) -> None:
    """The child ends when the import has; what the threads had imported by then is in."""
    write("app.py", "import worker\n")
    write(
        "worker.py",
        """
        import threading

        def work():
            import leaf
            begun.set()
            threading.Event().wait()

        begun = threading.Event()
        threading.Thread(target=work).start()
        begun.wait()
        """,
    )
    write("leaf.py", "")
    begin = time.monotonic()
    assert prober("app").chain("leaf") == ("app", "worker", "leaf")
    assert time.monotonic() - begin < 30


def test_exit_handlers_are_not_run(prober: Prober, write: Write, tmp_path: Path) -> None:
    """What is asked is the import alone."""
    write("app.py", f"import atexit, pathlib\natexit.register(pathlib.Path({str(tmp_path)!r}, 'ran').touch)\n")
    assert "atexit" in prober("app")
    assert not (tmp_path / "ran").exists()


def test_an_import_that_writes_a_lot(prober: Prober, write: Write) -> None:
    """Output doesn't hold it up."""
    write("app.py", "import sys\nprint('x' * 10**7)\nsys.stderr.write('y' * 10**7)\n")
    assert prober("app").modules == ("app",)


def test_an_import_that_reads(prober: Prober, write: Write) -> None:
    """There is nothing to be read, and nobody is waited for."""
    write("app.py", "import sys\nassert sys.stdin.read() == ''\n")
    assert prober("app").modules == ("app",)


def test_an_import_that_forks(prober: Prober, write: Write) -> None:
    """What becomes of the process that was asked is told, and not what becomes of its copies."""
    write("app.py", "import os\nif os.fork():\n    os.wait()\n    import leaf\n")
    write("leaf.py", "")
    assert prober("app").modules == ("app", "leaf")
    write("ending.py", "import os\nif os.fork():\n    os.wait()\n    os._exit(3)\n")
    assert failure(prober, "ending").endswith("it ended the process, with exit status 3.")


def test_what_the_import_has_started_is_ended(prober: Prober, write: Write, tmp_path: Path) -> None:
    """Processes of the child's group don't outlive the probe, and don't hold it up."""
    pid = tmp_path / "pid"
    told = f"open({str(pid)!r}, 'w').write(str(child.pid))"
    write("app.py", f"import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n{told}\n")
    begin = time.monotonic()
    prober("app")
    assert time.monotonic() - begin < 30
    assert has_ended(int(pid.read_text()))


def test_a_process_that_keeps_the_pipe_open(prober: Prober, write: Write, tmp_path: Path) -> None:
    """One that has left the group, as a daemon does, is left alone, and not waited for."""
    write(
        "app.py",
        f"""
        import subprocess, sys
        code = "import os, time; print(os.getpid(), flush=True); time.sleep(20)"
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        """,
    )
    begin = time.monotonic()
    prober("app")
    assert time.monotonic() - begin < 15
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


# Who imports it


def test_the_chain_of_import_statements(prober: Prober, write: Write) -> None:
    """Absolute and relative ones, of modules and of names, of parts and of packages."""
    write("app/__init__.py", "")
    write("app/cli.py", "from .commands import run\n")
    write("app/commands/__init__.py", "from ..core.model import predict as run\n")
    write("app/core/__init__.py", "")
    write("app/core/model.py", "from heavy.nn import layer\ndef predict(): pass\n")
    write("heavy/__init__.py", "")
    write("heavy/nn/__init__.py", "")
    write("heavy/nn/layer.py", "")
    probe = prober("app.cli")
    assert probe.chain("heavy") == ("app.cli", "app.commands", "app.core.model", "heavy")
    assert probe.chain("heavy.nn.layer") == ("app.cli", "app.commands", "app.core.model", "heavy.nn.layer")
    assert probe.chain("app.cli") == ("app.cli",)
    assert probe.explain("heavy")[1:] == [
        "  app.cli",
        "  app.commands    (imported at app/cli.py:1)",
        "  app.core.model  (imported at app/commands/__init__.py:1)",
        "  heavy           (imported at app/core/model.py:1)",
    ]


def test_the_chain_through_the_modules_own_package(prober: Prober, write: Write) -> None:
    """A package is imported because of its part."""
    write("app/__init__.py", "import heavy\n")
    write("app/cli.py", "")
    write("heavy.py", "")
    probe = prober("app.cli")
    assert probe.chain("heavy") == ("app.cli", "app", "heavy")
    assert probe.explain("heavy")[1:] == [
        "  app.cli",
        "  app      (its package)",
        "  heavy    (imported at app/__init__.py:1)",
    ]


def test_the_chain_where_the_package_imports_the_module(prober: Prober, write: Write) -> None:
    """It begins with the module that was asked for, all the same."""
    write("app/__init__.py", "from .cli import run\n")
    write("app/cli.py", "import heavy\ndef run(): pass\n")
    write("heavy.py", "")
    probe = prober("app.cli")
    assert probe.chain("heavy") == ("app.cli", "heavy")
    assert probe.chain("app.cli") == ("app.cli",)
    assert probe.modules == ("app", "app.cli", "heavy")


@pytest.mark.parametrize(
    "how", ["import heavy", "import importlib; importlib.import_module('heavy')", "__import__('heavy')"]
)
def test_the_chain_of_an_import_in_a_function(prober: Prober, write: Write, how: str) -> None:
    """The module of the function that has the statement stands between who calls it and what it imports."""
    write("app.py", "import tools\nimport caller\n")
    write("tools.py", f"def load():\n    {how}\n")
    write("caller.py", "import tools\ntools.load()\n")
    write("heavy.py", "")
    probe = prober("app")
    assert probe.chain("heavy") == ("app", "caller", "tools", "heavy")
    assert probe.explain("heavy")[1:] == [
        "  app",
        "  caller  (imported at app.py:2)",
        "  tools   (a function of it was called)",
        "  heavy   (imported at tools.py:2)",
    ]


def test_the_chain_of_a_lazy_attribute(prober: Prober, write: Write) -> None:
    """A package whose ``__getattr__`` imports (PEP 562) stands in the chain of what it imports, once it is asked."""
    lazy = "import importlib\ndef __getattr__(name):\n    return importlib.import_module('.' + name, __name__)\n"
    write("lazy/__init__.py", lazy)
    write("lazy/heavy.py", "")
    write("light.py", "import lazy\n")
    write("user.py", "import lazy\nlazy.heavy\n")
    write("taker.py", "from lazy import heavy\n")
    assert "lazy.heavy" not in prober("light")
    assert prober("user").chain("lazy.heavy") == ("user", "lazy", "lazy.heavy")
    assert prober("taker").chain("lazy.heavy") == ("taker", "lazy", "lazy.heavy")


def test_the_chain_through_importlib(prober: Prober, write: Write) -> None:
    """What its functions import, their callers do; what its modules import, they do themselves."""
    write("app.py", "import importlib.metadata\nimport importlib.util\nimportlib.util.find_spec('heavy.part')\n")
    write("heavy/__init__.py", "")
    probe = prober("app")
    assert probe.chain("heavy") == ("app", "heavy")
    assert probe.explain("heavy")[-1] == "  heavy  (imported at app.py:3)"
    assert probe.chain("importlib.metadata") == ("app", "importlib.metadata")
    assert probe.chain("email") == ("app", "importlib.metadata", "email")
    assert re.search(r"email +\(imported at .*/importlib/metadata/__init__\.py:\d+\)", probe.explain("email")[-1])
    write("light.py", "import importlib.util\n")
    probe = prober("light")
    assert probe.chain("importlib._abc") == ("light", "importlib.util", "importlib._abc")
    assert re.search(
        r"importlib._abc +\(imported at .*importlib[./]util(\.py|>):\d+\)", probe.explain("importlib._abc")[-1]
    )


def test_the_chain_of_circular_imports(prober: Prober, write: Write) -> None:
    """It has an end."""
    write("one.py", "import two\n")
    write("two.py", "import one\nimport three\n")
    write("three.py", "import one, two\nimport heavy\n")
    write("heavy.py", "")
    assert prober("one").chain("heavy") == ("one", "two", "three", "heavy")


def test_the_chain_of_what_was_imported_twice(prober: Prober, write: Write) -> None:
    """A module that another one throws out and imports again was first imported by the first."""
    write("app.py", "import heavy\nimport thrower\n")
    write("thrower.py", "import sys\ndel sys.modules['heavy'], sys.modules['leaf']\nimport heavy\n")
    write("heavy.py", "import leaf\n")
    write("leaf.py", "")
    probe = prober("app")
    assert probe.chain("leaf") == ("app", "heavy", "leaf")
    assert probe.modules == ("app", "heavy", "leaf", "thrower")


# What it costs


CLOCK_THAT_SLEEP_MOVES = """
import time

now = 0.0

def sleep(seconds):
    global now
    now += seconds

time.perf_counter, time.sleep = lambda: now, sleep
sleep(100)  # the interpreter starts
"""


def test_seconds_of_each_module(prober: Prober, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module's own, and with what it was the first to import; what failed is the time of who tried it."""
    write("app.py", "import time\nimport slow\ntry:\n    import broken\nexcept ImportError:\n    pass\n")
    write("slow.py", "import time\ntime.sleep(8)\nimport slower\n")
    write("slower.py", "import time\ntime.sleep(4)\n")
    write("broken.py", "import time\ntime.sleep(2)\nimport leaf\nraise ImportError\n")
    write("leaf.py", "import time\ntime.sleep(1)\n")
    write("sitecustomize.py", CLOCK_THAT_SLEEP_MOVES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    probe = prober("app")
    assert probe.times == {"app": (2, 15), "slow": (8, 12), "slower": (4, 4), "leaf": (1, 1)}
    assert probe.seconds == 15  # the start of the interpreter is not counted


def test_an_import_that_stops_the_clock(prober: Prober, write: Write) -> None:
    """The seconds are those of the wall clock, whatever the module makes of ``time``."""
    write("app.py", "import time\ntime.perf_counter = lambda: 0.0\nimport slow\n")
    write("slow.py", "import time\ntime.sleep(0.1)\n")
    assert prober("app").times["slow"].self_s >= 0.1


@linux_only
def test_peak_memory_is_that_of_the_child(prober: Prober, write: Write) -> None:
    """What the import took for a while counts, and what this process has doesn't."""
    write("app.py", "block = bytearray(b'x') * (64 * 2**20)\ndel block\n")
    write("light.py", "")
    ours = bytearray(b"x") * (200 * 2**20)
    heavy, light = prober("app").peak_memory, prober("light").peak_memory
    assert len(ours) == 200 * 2**20
    assert heavy is not None
    assert light is not None
    assert 4 * 2**20 < light < 50 * 2**20
    assert 60 * 2**20 < heavy - light < 100 * 2**20


def test_texts(prober: Prober, write: Write) -> None:
    """A line for ``repr``; for ``str`` the packages that took longest, and who imports them."""
    write("app.py", "import time\nimport heavy\n")
    write("heavy/__init__.py", "import time\ntime.sleep(0.3)\nfrom . import part\n")
    write("heavy/part.py", "import time\ntime.sleep(0.05)\n")
    probe = prober("app")
    assert re.fullmatch(r"<import_probe\('app'\): 3 modules, \d\.\d\d s(, \d+ MiB)?>", repr(probe))
    headline, first, second = str(probe).splitlines()
    assert re.fullmatch(
        r"Importing 'app' brought in 3 modules in \d\.\d\d s(, with a peak memory of \d+ MiB)?\.", headline
    )
    assert re.fullmatch(r"  heavy    \d\.\d\d s     2 modules  app > heavy", first)
    assert re.fullmatch(r"  app      \d\.\d\d s      1 module  app", second)


# A clean interpreter, like the one that asks


def test_sys_path_is_that_of_the_moment(prober: Prober, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child looks where this process looks now, in this order; what changed since is another question."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(f"import leaf_{name}\n")
        (tmp_path / name / f"leaf_{name}.py").touch()
    before = list(sys.path)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "one"), str(tmp_path / "two"), *before])
    assert "leaf_one" in prober("app")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "two"), str(tmp_path / "one"), *before])
    assert "leaf_two" in prober("app")


def test_the_whole_of_sys_path(prober: Prober, write: Write) -> None:
    """Nothing is added and nothing is left out."""
    write("app.py", f"import sys\nassert sys.path == {sys.path!r}, sys.path\nassert sys.argv == ['-c']\n")
    prober("app")


def test_the_environment_is_that_of_the_moment(prober: Prober, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of this test reaches the child, and the answer is not that of a test without it."""
    write("app.py", "import os\nif os.environ.get('APP_HEAVY'):\n    import heavy\n")
    write("heavy.py", "")
    assert "heavy" not in prober("app")
    monkeypatch.setenv("APP_HEAVY", "1")
    assert "heavy" in prober("app")


def test_nothing_of_the_test_run(prober: Prober, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither pytest's variables nor coverage's hooks get into the child, and no module of theirs or ours."""
    monkeypatch.setenv("COVERAGE_PROCESS_START", "nowhere/.coveragerc")
    monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", ":data:{}")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    write(
        "app.py",
        """
        import os, sys
        prefixes = ("COV_", "COVERAGE_PROCESS", "PYTEST_CURRENT", "PYTEST_XDIST")
        assert not [name for name in os.environ if name.startswith(prefixes)]
        roots = {name.partition(".")[0] for name in sys.modules}
        assert not roots & {"pytest", "_pytest", "coverage", "pytest_heavyimports"}, roots
        """,
    )
    assert prober("app").modules == ("app",)


def test_flags_of_the_interpreter_reach_the_child(write: Write, tmp_path: Path) -> None:
    """``-W`` and ``-X`` that this interpreter was started with hold for the child, those of other kinds too."""
    write(
        "app.py",
        """
        import sys
        print(sys.warnoptions, sorted(sys._xoptions), sys.flags.utf8_mode, sys.flags.optimize, sys.flags.isolated)
        raise ImportError
        """,
    )
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
sys.path[:0] = {[entry for entry in sys.path if entry]!r}
from pathlib import Path
from pytest_heavyimports import ProbeFailed
from pytest_heavyimports.probe.probe import Prober
try:
    Prober(Path("/"))("app")
except ProbeFailed as error:
    print(error.output)
"""
    flags = ["-W", "error::UserWarning", "-X", "utf8", "-X", "own=1", "-O", "-I"]
    child = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True)
    assert child.stdout == "['error::UserWarning'] ['own', 'utf8'] 1 1 1\n", child.stderr


@pytest.mark.parametrize("flags", [(), ("-S",), ("-I",), ("-X", "faulthandler"), ("-X", "dev")])
def test_the_child_needs_nothing_but_what_is_there(flags: tuple[str, ...], tmp_path: Path) -> None:
    """What the program of the child imports is there in every interpreter that has started, but for faulthandler."""
    code = (
        f"import sys; before = set(sys.modules); sys.path.insert(0, {str(CHILD.parent)!r}); import child; "
        "print(*(set(sys.modules) - before))"
    )
    child = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert set(child.stdout.split()) <= {"child", "faulthandler"}, child.stderr


def test_asked_twice_there_is_one_child(prober: Prober, write: Write, tmp_path: Path) -> None:
    """Whoever asks again, from whatever thread, gets the same answer, and of a failure the same error."""
    log = tmp_path / "log"
    for name, end in (("app", ""), ("failing", "raise ValueError")):
        write(f"{name}.py", f"import time\nopen({str(log)!r}, 'a').write({name + ' '!r})\ntime.sleep(0.2)\n{end}")
    probes: list[object] = []
    threads = [threading.Thread(target=lambda: probes.append(prober("app"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert probes == [prober("app", timeout=30)] * 3
    first = failure(prober, "failing")
    assert failure(prober, "failing") == first
    assert log.read_text() == "app failing "


# How it fails


def test_an_exception(prober: Prober, write: Write) -> None:
    """The message has the exception, the traceback from the user's first line on, and what was written."""
    model = write(
        "app/model.py", "def check():\n    raise ValueError('no weights\\nat all')\nprint('loading')\ncheck()\n"
    )
    cli = write("app/cli.py", "import app.model\n")
    text = failure(prober, "app.cli")
    text = "\n".join(line for line in text.splitlines() if not set(line) <= set(" ^~"))
    assert text == (
        "'app.cli' could not be imported in a clean interpreter: it raised ValueError: no weights.\n"
        "  where:\n"
        "    Traceback (most recent call last):\n"
        f'      File "{cli}", line 1, in <module>\n'
        "        import app.model\n"
        f'      File "{model}", line 4, in <module>\n'
        "        check()\n"
        f'      File "{model}", line 2, in check\n'
        "        raise ValueError('no weights\\nat all')\n"
        "    ValueError: no weights\n"
        "    at all\n"
        "  output:\n"
        "    loading"
    )


def test_an_exception_with_its_cause(prober: Prober, write: Write) -> None:
    """What it was raised from is told too, and the import system's frames aren't."""
    write(
        "app.py",
        "try:\n    import broken\nexcept ZeroDivisionError as error:\n    raise RuntimeError('no way') from error\n",
    )
    write("broken.py", "1 / 0\n")
    text = failure(prober, "app")
    assert "it raised RuntimeError: no way.\n" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "importlib" not in text
    assert "probe/child.py" not in text


def test_a_syntax_error(prober: Prober, write: Write) -> None:
    """It is told with its line."""
    file = write("app.py", "answer = 1\n= 2\n")
    text = failure(prober, "app")
    assert "could not be imported in a clean interpreter: it raised SyntaxError: invalid syntax.\n" in text
    assert f'File "{file}", line 2' in text


@pytest.mark.parametrize(
    "raised",
    [
        "class Odd(Exception):\n    def __str__(self): raise KeyError\nraise Odd",
        "raise KeyboardInterrupt",
        "raise BaseException('x')",
    ],
)
def test_odd_exceptions(prober: Prober, write: Write, raised: str) -> None:
    """Whatever is raised is told by its name."""
    write("app.py", raised)
    name = "Odd" if "Odd" in raised else raised.split()[1].partition("(")[0]
    assert f"it raised {name}" in failure(prober, "app").replace("app.Odd", "Odd")


def test_a_module_that_is_not_there(prober: Prober, write: Write) -> None:
    """That is an error, not a skip; so is one in a package that is no package."""
    write("app.py", "")
    assert failure(prober, "nowhere.at.all") == (
        "'nowhere.at.all' could not be imported in a clean interpreter: there is no such module (ModuleNotFoundError: "
        "No module named 'nowhere').\n"
        "The child looks for it on the sys.path of this session. To add a directory, use the ini key pythonpath."
    )
    assert "(ModuleNotFoundError: No module named 'app.cli'; 'app' is not a package)" in failure(prober, "app.cli")


def test_a_module_that_needs_one_that_is_not_there(prober: Prober, write: Write) -> None:
    """The module is there, and what it lacks is told as what it raised."""
    write("app.py", "import nowhere\n")
    assert "it raised ModuleNotFoundError: No module named 'nowhere'.\n" in failure(prober, "app")


@pytest.mark.parametrize(
    ("call", "shown"), [("sys.exit(3)", "3"), ("sys.exit('no GPU')", "'no GPU'"), ("exit()", "None")]
)
def test_sys_exit(prober: Prober, write: Write, call: str, shown: str) -> None:
    """An import that calls it is told so, with the line."""
    file = write("app.py", f"import sys\n\n{call}\n")
    headline, *rest = failure(prober, "app").splitlines()
    assert headline == f"'app' could not be imported in a clean interpreter: it called sys.exit({shown})."
    assert f'      File "{file}", line 3, in <module>' in rest


def test_os_exit(prober: Prober, write: Write) -> None:
    """An import that ends the process at once is told so, with its status."""
    for status in (0, 7):
        write(f"app{status}.py", f"import os\nprint('bye')\nos._exit({status})\n")
        assert failure(prober, f"app{status}") == (
            f"'app{status}' could not be imported in a clean interpreter: "
            f"it ended the process, with exit status {status}.\n"
            "  output:\n"
            "    bye"
        )


@pytest.mark.parametrize(("name", "words"), [("SIGSEGV", "Segmentation fault"), ("SIGABRT", "Aborted")])
def test_a_crash(prober: Prober, write: Write, name: str, words: str) -> None:
    """The signal is named, and the statement during which it came."""
    write("app.py", "import crasher\n")
    crasher = write(
        "crasher.py", f"import os, signal\ndef crash():\n    os.kill(os.getpid(), signal.{name})\ncrash()\n"
    )
    assert failure(prober, "app") == (
        f"'app' could not be imported in a clean interpreter: signal {name} ended the process ({words}).\n"
        "  where:\n"
        f'    File "{crasher}", line 3 in crash\n'
        f'    File "{crasher}", line 4 in <module>\n'
        f'    File "{crasher.with_name("app.py")}", line 1 in <module>'
    )


def test_a_signal_that_leaves_no_trace(prober: Prober, write: Write) -> None:
    """SIGKILL, as of the kernel that is out of memory, is named."""
    write("app.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert failure(prober, "app").endswith(": signal SIGKILL ended the process (Killed).")


HANGS = {
    "sleep": "import time\n\n{begun}; time.sleep(60)",
    "C code": "import re\n\n{begun}; re.match('(a+)+b', 'a' * 40)",
    "lock": "import threading\nlock = threading.Lock(); lock.acquire()\n{begun}; lock.acquire()",
}


@pytest.mark.parametrize("how", HANGS)
def test_a_hang(prober: Prober, write: Write, begun: str, how: str) -> None:
    """When the time is over, the child is ended, and the line in which it hung is told, in C code too."""
    file = write("app.py", f"print('begun')\n{HANGS[how].format(begun=begun)}\n")
    headline, *rest, remedy = failure(prober, "app", timeout=0.5).splitlines()
    assert headline == ("'app' could not be imported in a clean interpreter: it took more than 0.5 s, and was ended.")
    assert rest[0] == "  where:"
    assert f'    File "{file}", line 4 in <module>' in rest
    assert rest[-2:] == ["  output:", "    begun"]
    assert remedy == "To give it longer, use import_probe('app', timeout=1)."


def test_a_hang_ends_soon(prober: Prober, write: Write) -> None:
    """The time limit is one of the real clock: no other test would fail if it were a hundred times as long."""
    write("app.py", "import time\ntime.sleep(600)\n")
    begin = time.monotonic()
    assert "it took more than 0.5 s, and was ended" in failure(prober, "app", timeout=0.5)
    assert time.monotonic() - begin < 30


def test_a_hang_that_nothing_stops(
    prober: Prober, write: Write, begun: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that blocks every signal is ended without a trace; so are the processes that it has started."""
    monkeypatch.setattr(probe_process, "TRACE_S", 0.1)
    pid = tmp_path / "pid"
    write(
        "app.py",
        "import signal, subprocess\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL})\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        f"open({str(pid)!r}, 'w').write(str(child.pid))\n"
        f"{begun}; child.wait()\n",
    )
    assert failure(prober, "app", timeout=1).splitlines()[1:] == [
        "To give it longer, use import_probe('app', timeout=2)."
    ]
    assert has_ended(int(pid.read_text()))


def test_an_import_that_never_stops_writing(prober: Prober, write: Write, begun: str) -> None:
    """The end of its output is kept, and it is ended in time."""
    write("app.py", f"n = 0\nwhile True:\n    n += 1\n    print(n, 'x' * 500)\n    if n == 100: {begun}\n")
    text = failure(prober, "app", timeout=0.5)
    assert re.search(r"\n    \.\.\. \(\d+ more lines\)\n    \d+ x{190,}", text)


def test_a_longer_time_limit_is_another_try(prober: Prober, write: Write, begun: str, tmp_path: Path) -> None:
    """What took too long is not tried again in the same time, but in a longer one."""
    log = tmp_path / "log"
    write(
        "app.py",
        f"import os, time\nopen({str(log)!r}, 'a').write('begun ')\n"
        f"if not os.path.exists({str(tmp_path / 'begun')!r}):\n    {begun}; time.sleep(60)\n",
    )
    first = failure(prober, "app", timeout=0.5)
    assert failure(prober, "app", timeout=0.4) == first
    assert log.read_text() == "begun "
    assert prober("app", timeout=30).modules == ("app",)
    assert log.read_text() == "begun begun "


ASKER = """
import sys
sys.path[:] = {path!r}
from pathlib import Path
from pytest_heavyimports.probe import probe
from pytest_heavyimports.probe import process as probe_process
probe_process.ORPHAN_S = {orphan_s}
probe.Prober(Path("/"))("app", timeout={timeout})
"""


@pytest.mark.parametrize(
    ("number", "limits"),
    [
        pytest.param(signal.SIGINT, {"timeout": 60, "orphan_s": 10}, id="interrupted"),
        pytest.param(signal.SIGKILL, {"timeout": 1, "orphan_s": 0}, id="killed"),
    ],
)
def test_no_child_outlives_its_prober(
    write: Write, tmp_path: Path, number: signal.Signals, limits: dict[str, int]
) -> None:
    """Ctrl-C ends the child too. A child whose prober was killed ends itself when its time is over."""
    pid = tmp_path / "pid"
    told = Fifo(pid)
    write(
        "app.py",
        f"import os, time\nwith open({str(pid)!r}, 'w') as file: file.write(str(os.getpid()))\ntime.sleep(60)\n",
    )
    code = ASKER.format(path=sys.path, **limits)
    asker = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, preexec_fn=restore_sigint)
    child = int(told.read(asker))
    asker.send_signal(number)
    asker.wait(LIMIT_S)
    assert has_ended(child)


# What can't be asked


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "'' can't be read: it names no module. Write it as 'package.module'."),
        (
            ".cli",
            "'.cli' can't be read: a name is absolute here, and doesn't begin with a dot. Write it as 'package.cli'.",
        ),
        ("app.cli:main", "'app.cli:main' can't be read: it is no module name. Write it as 'app.cli'."),
        ("app/cli.py", "'app/cli.py' can't be read: it is no module name. Write it as 'app.cli'."),
        ("app cli", "'app cli' can't be read: it is no module name. Write it as 'package.module'."),
        (3, "3 can't be read: it is no text, but of type int. Write it as 'package.module'."),
        (None, "None can't be read: it is no text, but of type NoneType. Write it as 'package.module'."),
    ],
)
def test_what_is_no_module_name(prober: Prober, write: Write, name: str, message: str) -> None:
    """It is refused at once, as the name to be imported and as the name that is looked for."""
    write("light.py", "")
    with pytest.raises(InvalidDeclaration) as caught:
        prober(name)
    assert str(caught.value) == message
    probe = prober("light")
    with pytest.raises(InvalidDeclaration):
        assert name not in probe
    with pytest.raises(InvalidDeclaration):
        probe.chain(name)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "60", None])
def test_what_is_no_time_limit(prober: Prober, timeout: float) -> None:
    """It is refused at once."""
    with pytest.raises(InvalidDeclaration) as caught:
        prober("os", timeout=timeout)
    assert str(caught.value) == (
        f"{f'timeout={timeout!r}'!r} can't be read: a time limit is a number of seconds above 0. "
        "Write it as 'timeout=60.0'."
    )
