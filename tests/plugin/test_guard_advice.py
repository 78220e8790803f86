"""What the guard says of each way in which modules go, word for word: one fault, one message, advice that helps."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES, Guarded, failures, told
from ..support.suite import section

if TYPE_CHECKING:
    from ..support.installed import Installed
    from ..support.suite import Suite

WHY = (
    "it is declared as 'plainpkg' (pytest.ini, [pytest], line 1 of heavy_modules), "
    "which the session imports once: a second copy has other classes"
)
HEADER = "import sys\nfrom unittest import mock\n\nimport pytest\n\n"
IMPORT_PROBE = (
    "To ask whether an import stays light, use the fixture import_probe, which asks a clean interpreter:\n"
    'assert "plainpkg" not in import_probe("app.cli"). To take a module out for one test, use\n'
    'monkeypatch.delitem(sys.modules, "plainpkg"), which puts it back.'
)
AGAIN = (
    "To execute your own modules anew, take out those alone, and leave 'plainpkg' where it is. "
    "To import 'plainpkg' for the\n"
    "first time once more, use an interpreter of its own: the fixture import_probe, or\n"
    '@pytest.mark.heavy_isolated(method="spawn").'
)


@pytest.fixture
def guarded(suite: Suite, installed: Installed) -> Guarded:
    """A suite where ``plainpkg`` is protected."""
    return Guarded(suite, installed)


def _tests(guarded: Guarded, text: str, file: str = "test_it.py") -> None:
    guarded.suite.write(file, HEADER + textwrap.dedent(text).lstrip("\n"))


def _errors(result: pytest.RunResult) -> list[str]:
    """The text of each error of a teardown, from its first line to the next title."""
    blocks: list[list[str]] = []
    for line in result.outlines:
        if line.startswith("_") and "ERROR at teardown" in line:
            blocks.append([])
        elif blocks and line.startswith(("=", "---")):
            break
        elif blocks:
            blocks[-1].append(line)
    return ["\n".join(block) for block in blocks]


LEFT = {
    "del": (
        """
        def test_it(plainpkg):
            del sys.modules["plainpkg"]
        """,
        'test_it.py:7, in test_it.py::test_it\n  how:      del sys.modules["plainpkg"]',
        IMPORT_PROBE,
    ),
    "clear": (
        """
        def test_it(plainpkg):
            others = [(name, module) for name, module in sys.modules.items() if name != "plainpkg"]
            sys.modules.clear()
            sys.modules.update(others)
        """,
        "test_it.py:8, in test_it.py::test_it\n  how:      sys.modules.clear()",
        "sys.modules.clear() takes out every module, those too that can't be initialised twice. "
        "Take out your own alone, by name:\n"
        'monkeypatch.delitem(sys.modules, "app.cli", raising=False).',
    ),
    "purge": (
        """
        def purge(prefix):
            for name in list(sys.modules):
                if name.startswith(prefix):
                    sys.modules.pop(name)

        def test_it(plainpkg):
            purge("plain")
        """,
        "test_it.py:9, in test_it.py::test_it\n  how:      sys.modules.pop(name)",
        "Let the loop take out your own modules alone, and leave 'plainpkg' where it is. "
        "To ask whether an import stays light, use\n"
        "the fixture import_probe, which asks a clean interpreter: "
        'assert "plainpkg" not in import_probe("app.cli").',
    ),
    "patch.dict": (
        """
        def test_it():
            with mock.patch.dict(sys.modules, {"app": None}):
                import plainpkg
        """,
        'test_it.py:7, in test_it.py::test_it\n  how:      with mock.patch.dict(sys.modules, {"app": None}):',
        "What is first imported inside of patch.dict(sys.modules, ...) is thrown out at its end. "
        "So has 'plainpkg' been:\n"
        "import it before, or set heavy_preload = true.",
    ),
    "snapshot": (
        """
        @pytest.fixture(autouse=True)
        def same_modules():
            before = sys.modules.copy()
            yield
            sys.modules.clear()
            sys.modules.update(before)

        def test_it():
            import plainpkg
        """,
        "test_it.py:10, in test_it.py::test_it (teardown of fixture 'same_modules')\n  how:      sys.modules.clear()",
        "What is first imported after a copy of sys.modules was made is thrown out when the copy is put back. "
        "So has 'plainpkg'\n"
        "been: import it before, or set heavy_preload = true. Or put back your own modules alone.",
    ),
    "an inner pytest": (
        """
        def test_runs(pytester):
            pytester.makepyfile("def test_inner(): import plainpkg")
            pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
        """,
        "test_it.py:8, in test_it.py::test_runs\n"
        '  how:      pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)',
        "What is first imported by a pytest in this process is thrown out at its end. "
        "Run it in a process of its own, by\n"
        "pytester.runpytest_subprocess() or by heavy_runpytest = fork. "
        "Or, as to 'plainpkg', import it before, or set heavy_preload = true.",
    ),
    "not undone": (
        """
        def test_it(plainpkg):
            patches = pytest.MonkeyPatch()
            patches.delitem(sys.modules, "plainpkg")
        """,
        'test_it.py:8, in test_it.py::test_it\n  how:      patches.delitem(sys.modules, "plainpkg")',
        "Nothing undoes this. Use patch.dict as a with statement or a decorator, "
        "call the patcher's stop() in a finalizer, or\n"
        "take the fixture monkeypatch, which is undone by itself.",
    ),
    "by other means": (
        """
        def test_it(plainpkg):
            vars(sys)["modules"].pop("plainpkg")
        """,
        "test_it.py::test_it",
        "To ask whether an import stays light, use the fixture import_probe, which asks a clean interpreter:\n"
        'assert "torch" not in import_probe("app.cli"). To take a module out for one test, use\n'
        "monkeypatch.delitem(sys.modules, ...), which puts it back. "
        "What is first imported inside of patch.dict(sys.modules, ...)\n"
        "is thrown out at its end: import it before, or set heavy_preload = true.",
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_was_left_displaced(guarded: Guarded, case: str) -> None:
    """Who, the statement, and the remedy for it."""
    text, taken_by, remedy = LEFT[case]
    _tests(guarded, text)
    result = guarded.run("error", *(("-p", "pytester") if case == "an inner pytest" else ()))
    (error,) = _errors(result)
    first, *rest = error.splitlines()
    assert first == "'plainpkg' was thrown out of sys.modules, and was put back."
    assert [line for line in rest if not line.startswith("  first: ")] == [
        *f"  taken by: {taken_by}\n  why:      {WHY}\n{remedy}".splitlines()
    ]


def test_a_package_that_is_not_declared_must_be_to_be_preloaded(guarded: Guarded) -> None:
    """``heavy_preload`` imports what is declared."""
    guarded.suite.declare(heavy_protect="plainpkg")
    _tests(guarded, LEFT["patch.dict"][0])
    (error,) = _errors(guarded.run("error"))
    assert error.splitlines()[-2:] == [
        "What is first imported inside of patch.dict(sys.modules, ...) is thrown out at its end. "
        "So has 'plainpkg' been:",
        "import it before, or declare it in heavy_modules and set heavy_preload = true.",
    ]


def test_advice_that_the_culprit_follows_already_is_not_given(guarded: Guarded) -> None:
    """A fixture that takes the module out by monkeypatch, and imports it: refused once, and told what else to do."""
    guarded.suite.write(
        "conftest.py",
        HEADER
        + textwrap.dedent(
            """\
            @pytest.fixture(autouse=True)
            def cold(monkeypatch):
                monkeypatch.delitem(sys.modules, "plainpkg", raising=False)
                import plainpkg
            """
        ),
    )
    _tests(guarded, 'import plainpkg\n\n@pytest.mark.parametrize("n", range(4))\ndef test_it(n): pass\n')
    result = guarded.run("error")
    result.assert_outcomes(passed=3, errors=1)
    assert failures(result) == ["ERROR test_it.py::test_it[0]"]
    assert [line.removeprefix("E").strip() for line in result.outlines if line.startswith("E  ")] == [
        line.strip()
        for line in (
            "pytest_heavyimports.ReimportRefused: "
            "'plainpkg' was about to be initialised a second time in this process.\n"
            "first:    test_it.py:6, in test_it.py (collection)\n"
            "taken by: conftest.py:8, in test_it.py::test_it[0] (setup of fixture 'cold')\n"
            'how:      monkeypatch.delitem(sys.modules, "plainpkg", raising=False)\n'
            "again:    conftest.py:9, in test_it.py::test_it[0] (setup)\n"
            f"why:      {WHY}\n{AGAIN}"
        ).splitlines()
    ]


AUTOUSE = {
    "fake": ('sys.modules["plainpkg"] = mock.MagicMock()', "left a fake of plainpkg: taken away"),
    "fake, then yield": ('sys.modules["plainpkg"] = mock.MagicMock(); yield', "left a fake of plainpkg: taken away"),
    "fake of a part": ('sys.modules["plainpkg.part"] = mock.Mock()', "left a fake of plainpkg.part: taken away"),
    "del": ('del sys.modules["plainpkg"]', "left plainpkg displaced: put back"),
    "del of a part": ('del sys.modules["plainpkg.part"]', "left plainpkg.part displaced: put back"),
    "del after yield": ('yield; del sys.modules["plainpkg"]', "left plainpkg displaced: put back"),
    "del of a part after yield": ('yield; del sys.modules["plainpkg.part"]', "left plainpkg.part displaced: put back"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", AUTOUSE)
def test_an_autouse_fixture_is_named_once(guarded: Guarded, case: str, mode: str) -> None:
    """At the first test, and none of the others that ran under it; the module is put back after each."""
    body, became = AUTOUSE[case]
    first, _, after = body.partition("yield; ")
    lines = f"{first or 'pass'}\n    yield\n    {after}" if after else first
    guarded.suite.write("conftest.py", f"{HEADER}@pytest.fixture(autouse=True)\ndef culprit():\n    {lines}\n")
    _tests(
        guarded,
        """
        import plainpkg
        import plainpkg.part

        @pytest.mark.parametrize("n", range(5))
        def test_it(n): pass
        """,
    )
    guarded.suite.tests(
        "import plainpkg\nimport sys\n\ndef test_z():\n    assert sys.modules['plainpkg.part'] is plainpkg.part\n"
        if "fake" not in case and not case.startswith("del of a part") and case != "del"
        else "def test_z(): pass\n",
        "test_z.py",
    )
    result = guarded.run(mode)
    phase, line = ("teardown", 10) if after else ("setup", 8)
    assert told(result) == [f"conftest.py:{line}, in test_it.py::test_it[0] ({phase} of fixture 'culprit'): {became}"]
    if mode == "restore":
        result.assert_outcomes(passed=6, warnings=1)
    else:
        assert failures(result) == ["ERROR test_it.py::test_it[0]"]
        result.assert_outcomes(passed=6, errors=1)


def test_setup_method_is_named_once(guarded: Guarded) -> None:
    """pytest makes a fixture of it; its own line is told where the statement is not found."""
    _tests(
        guarded,
        """
        import plainpkg

        class TestIt:
            def setup_method(self):
                vars(sys)["modules"].pop("plainpkg")
            def test_a(self): pass
            def test_b(self): pass
        """,
    )
    result = guarded.run("error")
    assert failures(result) == ["ERROR test_it.py::TestIt::test_a"]
    (line,) = told(result)
    assert line.startswith("test_it.py:9, in test_it.py::TestIt::test_a (setup of fixture '")


def test_what_the_fixture_of_a_plugin_undoes_is_the_tests_own(guarded: Guarded) -> None:
    """Each test is reported, with its statement: the fixture only gives it the means."""
    guarded.installed.add(
        "patcher_plugin",
        "1.0",
        {
            "patcher_plugin.py": "import pytest\nfrom unittest import mock\n\n@pytest.fixture\n"
            "def patcher():\n    patches = []\n    def start(*args):\n        patch = mock.patch.dict(*args)\n"
            "        patches.append(patch)\n        patch.start()\n"
            "    yield type('Patcher', (), {'patch': type('Patch', (), {'dict': staticmethod(start)})})\n"
            "    for patch in patches:\n        patch.stop()\n",
        },
    )
    _tests(
        guarded,
        """
        def test_first(patcher):
            patcher.patch.dict(sys.modules, {"app": None})
            import plainpkg

        def test_second(patcher):
            patcher.patch.dict(sys.modules, {"app": None})
            import plainpkg.part
        """,
    )
    result = guarded.run("error", "-p", "patcher_plugin")
    assert failures(result) == ["ERROR test_it.py::test_first", "ERROR test_it.py::test_second"]
    assert told(result) == [
        "test_it.py:7, in test_it.py::test_first (teardown of fixture 'patcher'): left plainpkg displaced: put back",
        "test_it.py:11, in test_it.py::test_second (teardown of fixture 'patcher'): left plainpkg.part displaced: "
        "put back",
    ]


def test_the_test_that_ran_first_under_it_is_reported_again_when_it_runs_again(guarded: Guarded) -> None:
    """Another run of it, by a plugin that reruns what has failed, doesn't pass."""
    guarded.suite.write(
        "conftest.py",
        HEADER
        + textwrap.dedent(
            """\
            from _pytest.runner import runtestprotocol

            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_protocol(item, nextitem):
                for _ in range(2):
                    item._initrequest()
                    runtestprotocol(item, nextitem=nextitem)
                return True

            @pytest.fixture(autouse=True)
            def culprit():
                del sys.modules["plainpkg"]
            """
        ),
    )
    _tests(guarded, "import plainpkg\n\ndef test_a(): pass\n\ndef test_b(): pass\n")
    assert failures(guarded.run("error")) == ["ERROR test_it.py::test_a"] * 2


def test_one_fault_has_one_error(guarded: Guarded) -> None:
    """A refusal in a fixture's setup keeps its cleanup from running: what that would have undone is no second error."""
    _tests(
        guarded,
        """
        import plainpkg as first

        @pytest.fixture(scope="module")
        def fresh():
            saved = sys.modules.pop("plainpkg")
            import plainpkg
            yield
            sys.modules["plainpkg"] = saved

        def test_it(fresh): pass

        def test_other():
            assert sys.modules["plainpkg"] is first
        """,
    )
    result = guarded.run("error")
    assert failures(result) == ["ERROR test_it.py::test_it"]
    assert "ERROR at teardown" not in result.stdout.str()
    assert told(result) == [
        "test_it.py:11, in test_it.py::test_it (setup): plainpkg imported again, "
        "taken by test_it.py:10, in test_it.py (setup of fixture 'fresh'): refused"
    ]


def test_a_refusal_that_is_swallowed_does_not_hide_the_leak(guarded: Guarded) -> None:
    """The test has not failed by it."""
    _tests(
        guarded,
        """
        def test_it(plainpkg):
            sys.modules.pop("plainpkg")
            try:
                import plainpkg
            except RuntimeError:
                pass
        """,
    )
    assert failures(guarded.run("error")) == ["ERROR test_it.py::test_it"]


def test_a_refused_test_has_one_error(guarded: Guarded) -> None:
    """It failed at its import; its teardown has nothing to add. The same holds for a refused reload."""
    _tests(
        guarded,
        """
        import importlib

        def test_imports(plainpkg):
            sys.modules.pop("plainpkg")
            import plainpkg

        def test_reloads(plainpkg):
            import plainpkg.part
            sys.modules.pop("plainpkg.part")
            importlib.reload(plainpkg)
        """,
    )
    assert failures(guarded.run("error")) == ["FAILED test_it.py::test_imports", "FAILED test_it.py::test_reloads"]


def test_the_first_import_is_that_of_the_real_module(guarded: Guarded) -> None:
    """As in the report: what put a fake there has imported nothing."""
    _tests(guarded, 'sys.modules["plainpkg"] = mock.MagicMock()\n\ndef test_it(): pass\n', "test_a.py")
    _tests(guarded, 'import plainpkg\n\ndef test_it():\n    del sys.modules["plainpkg"]\n', "test_b.py")
    result = guarded.run("restore")
    (line,) = (line for line in section(result) if "  first: " in line)
    assert line.endswith("  first: test_b.py:6, in test_b.py (collection)")
    text = result.stdout.str()
    assert "  first: " not in text[text.index("A fake of 'plainpkg'") : text.index("fake by:")]
    assert "  first:    test_b.py:6, in test_b.py (collection)\n" in text


def test_what_is_declared_is_named_first(guarded: Guarded) -> None:
    """Not what it has brought in, though that comes first by name."""
    guarded.installed.add("aaa", "1.0", {"aaa/__init__.py": ""})
    guarded.installed.add("zzz", "1.0", {"zzz/__init__.py": "import aaa\n"})
    guarded.suite.declare("zzz", heavy_protect="aaa")
    _tests(guarded, "def test_it(zzz):\n    for name in ('aaa', 'zzz'):\n        del sys.modules[name]\n")
    result = guarded.run("error")
    assert "'zzz' and 1 more were thrown out of sys.modules, and were put back.\n" in result.stdout.str()
    assert told(result) == ["test_it.py:8, in test_it.py::test_it: left zzz and 1 more displaced: put back"]


def test_what_has_brought_others_in_is_named_before_them(guarded: Guarded) -> None:
    """Where neither or both are declared."""
    guarded.installed.add("aaa", "1.0", {"aaa/__init__.py": ""})
    guarded.installed.add("zzz", "1.0", {"zzz/__init__.py": "import aaa\n"})
    guarded.suite.declare("zzz", "aaa")
    _tests(guarded, "def test_it(zzz):\n    for name in ('aaa', 'zzz'):\n        del sys.modules[name]\n")
    assert told(guarded.run("error")) == [
        "test_it.py:8, in test_it.py::test_it: left zzz and 1 more displaced: put back"
    ]


HIDDEN = {
    "--disable-warnings": (("--disable-warnings",), {}),
    "a filter of warnings": (("-W", "ignore::UserWarning"), {}),
    "a filter of warnings, in the ini file": ((), {"filterwarnings": "ignore"}),
    "-p no:warnings": (("-p", "no:warnings"), {}),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_warnings_that_the_suite_hides_are_in_the_section(guarded: Guarded, case: str) -> None:
    """With what has hidden them, and their whole text."""
    arguments, settings = HIDDEN[case]
    guarded.suite.declare("plainpkg", **settings)
    _tests(guarded, LEFT["del"][0])
    result = guarded.run("restore", *arguments)
    taken_by = LEFT["del"][1]
    assert told(result) == [
        "test_it.py:7, in test_it.py::test_it: left plainpkg displaced: put back",
        f"1 warning of the guard, hidden by {case.partition(',')[0]}:",
        *(
            f"    {line}"
            for line in (
                "'plainpkg' was thrown out of sys.modules, and was put back.\n"
                f"  taken by: {taken_by}\n  why:      {WHY}\n{IMPORT_PROBE}"
            ).splitlines()
        ),
    ]


def test_every_kind_of_warning_is_among_the_hidden(guarded: Guarded) -> None:
    """Of a file, of a reload, of a module that took something from a fake; from workers too."""
    pytest.importorskip("xdist")
    guarded.installed.add("wanting", "1.0", {"wanting/__init__.py": "import plainpkg\n"})
    guarded.suite.declare("plainpkg", "wanting")
    _tests(
        guarded,
        """
        import importlib

        def test_reload(plainpkg):
            importlib.reload(plainpkg)

        def test_fake(monkeypatch):
            monkeypatch.setitem(sys.modules, "plainpkg", mock.MagicMock())
            import wanting
        """,
    )
    lines = told(guarded.run("restore", "-W", "ignore::UserWarning", "-p", "xdist", "-n", "1"))
    assert "2 warnings of the guard, hidden by a filter of warnings:" in lines
    assert "    'plainpkg' was not reloaded: the module was given back as it is." in lines
    assert any(line.startswith("    'wanting' was first imported while a fake of 'plainpkg'") for line in lines)


@pytest.mark.parametrize("where", ["-W", "ini", "mark"])
def test_who_ignores_them_by_name_is_not_told(guarded: Guarded, where: str) -> None:
    """That is on purpose."""
    ours = "ignore::pytest_heavyimports.HeavyImportWarning"
    guarded.suite.declare("plainpkg", **({"filterwarnings": ours} if where == "ini" else {}))
    mark = f"@pytest.mark.filterwarnings('{ours}')\n" if where == "mark" else ""
    _tests(guarded, mark + textwrap.dedent(LEFT["del"][0]).lstrip())
    lines = told(guarded.run("restore", *(("-W", ours) if where == "-W" else ())))
    assert [line.partition(", in ")[2] for line in lines] == ["test_it.py::test_it: left plainpkg displaced: put back"]


def test_what_is_shown_is_not_hidden(guarded: Guarded) -> None:
    """The section has its line, and the text stands among the warnings alone."""
    _tests(guarded, LEFT["del"][0])
    assert told(guarded.run("restore")) == ["test_it.py:7, in test_it.py::test_it: left plainpkg displaced: put back"]


def test_the_source_import_of_coverage_is_named(guarded: Guarded) -> None:
    """Coverage looks for ``app.core`` by importing ``app``, and throws out what came with it."""
    pytest.importorskip("pytest_cov")
    guarded.suite.write("app/__init__.py", "import plainpkg\n")
    guarded.suite.write("app/core.py", "answer = 42\n")
    guarded.suite.declare("plainpkg", heavy_protect="plainpkg")  # else it is left out, with the app that uses it
    _tests(guarded, "def test_it(plainpkg):\n    from app.core import answer\n    assert answer == plainpkg.answer\n")
    result = guarded.run("error", "-p", "pytest_cov", "--cov=app.core", "--cov-report=")
    result.assert_outcomes(passed=1)
    first, *rest = section(result)
    assert first.endswith("  first: coverage, for its source app.core")
    assert rest == [
        "coverage, for its source app.core: left plainpkg displaced: put back",
        "    Measure the whole package: --cov=app. To find app.core, coverage imports the packages it lies in.",
    ]
    assert guarded.suite.executions() == {"plainpkg": 1}


REGISTERS = """
from registry import register

register(__name__)
"""


@pytest.mark.parametrize("where", ["test", "file"])
def test_own_modules_that_register_are_pointed_at_heavy_protect(guarded: Guarded, where: str) -> None:
    """Thrown out after the package, they are executed again, and the package has them already."""
    guarded.installed.add(
        "registry",
        "1.0",
        {
            "registry/__init__.py": "names = []\ndef register(name):\n    if name in names:\n"
            "        raise TypeError(f'{name} is registered already')\n    names.append(name)\n"
        },
    )
    guarded.suite.write("app/__init__.py", "")
    guarded.suite.write("app/order.py", REGISTERS)
    guarded.suite.declare("registry")
    _tests(guarded, "import app.order\n\ndef test_purges():\n    del sys.modules['registry']\n", "test_a.py")
    again = "del sys.modules['app.order']\nimport app.order\n"
    if where == "test":
        again = "def test_again():\n" + textwrap.indent(again, "    ")
    else:
        _tests(guarded, "import app.order\n\ndel sys.modules['registry']\n\ndef test_it(): pass\n", "test_a.py")
    _tests(guarded, f"{again}\ndef test_it(): pass\n", "test_b.py")
    note = (
        "'app.order' imports 'registry', which was thrown out of sys.modules and is the same as before: "
        "what 'app.order' has registered there can't be registered again.\n"
        "If it was thrown out as well, keep it with the package: heavy_protect = app.order"
    )
    result = guarded.run("restore")
    text = "\n".join(line.removeprefix("E").strip() for line in result.outlines)
    assert "TypeError: app.order is registered already" in text
    assert note in text
    guarded.suite.declare("registry", heavy_protect="app.order")
    assert failures(guarded.run("restore")) == []
