"""``heavyimports fix``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..support.commands import call_command, run_command

if TYPE_CHECKING:
    from ..support.suite import Suite

BEFORE = """\
import pytest


@pytest.fixture
def model():
    import plain

    return plain


def test_one(model):
    assert model.answer() == 42


def test_two(model):
    from plain import answer

    assert answer() == 42


def test_three():
    if True:
        import plain
    assert plain
"""

DIFF = """\
--- a/test_it.py
+++ b/test_it.py
@@ -1,10 +1,11 @@
 import pytest
+
+import plain
+from plain import answer
 
 
 @pytest.fixture
 def model():
-    import plain
-
     return plain
 
 
@@ -13,8 +14,6 @@
 
 
 def test_two(model):
-    from plain import answer
-
     assert answer() == 42
 
 
"""


@pytest.fixture
def plain(suite: Suite) -> Suite:
    """A suite with a heavy module."""
    suite.declare("plain")
    suite.write("plain.py", "def answer():\n    return 42\n")
    suite.tests(BEFORE)
    return suite


def test_the_diff_is_shown_and_nothing_changed(plain: Suite) -> None:
    """With a line on what is left alone, and status 1."""
    done = call_command(plain.path, "fix")
    assert "\n".join([*done.out, ""]) == DIFF
    assert done.err == ["test_it.py:23: left alone: 'plain': it stands under 'if'"]
    assert done.status == 1
    assert (plain.path / "test_it.py").read_text(encoding="utf-8") == BEFORE


def test_write_changes_the_file_and_a_second_run_has_nothing_to_do(plain: Suite) -> None:
    """The tests pass before and after; mode and neighbours are as they were."""
    file = plain.path / "test_it.py"
    file.chmod(0o640)
    plain.run().assert_outcomes(passed=3)
    assert run_command(plain.path, "fix", "--write").status == 1
    again = run_command(plain.path, "fix", "--write")
    assert (again.status, again.out) == (0, [])
    plain.run().assert_outcomes(passed=3)
    assert file.stat().st_mode & 0o777 == 0o640
    assert not list(plain.path.glob(".test_it*"))


def test_an_ignored_import_stays(plain: Suite) -> None:
    """Without a word about it."""
    plain.tests(
        "def test_it():\n    import plain  # heavyimports: ignore[function-import] it is meant\n    assert plain\n"
    )
    done = call_command(plain.path, "fix")
    assert done == (0, [], [])


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (
            "pytest.ini",
            "[pytest]\nheavy_modules =\n    json\n\n[other]\n",
            "[pytest]\nheavy_modules =\n    json\n    plain\n    answer = plain:answer\n\n[other]\n",
        ),
        (
            "pytest.ini",
            "[pytest]\nheavy_modules = json\n",
            "[pytest]\nheavy_modules =\n    json\n    plain\n    answer = plain:answer\n",
        ),
        (
            "pytest.ini",
            "[pytest]\n# none\n",
            "[pytest]\nheavy_modules =\n    plain\n    answer = plain:answer\n# none\n",
        ),
        (
            "tox.ini",
            "[tox]\n\n[pytest]\n",
            "[tox]\n\n[pytest]\nheavy_modules =\n    plain\n    answer = plain:answer\n",
        ),
        ("setup.cfg", "[tool:pytest]\n", "[tool:pytest]\nheavy_modules =\n    plain\n    answer = plain:answer\n"),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\nheavy_modules = [\n    'json', # x\n]\n\n[tool.x]\n",
            '[tool.pytest.ini_options]\nheavy_modules = [\n    \'json\', # x\n    "plain",\n    "answer = plain:answer",\n]\n\n[tool.x]\n',
        ),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\naddopts = '-ra'\n",
            '[tool.pytest.ini_options]\naddopts = \'-ra\'\nheavy_modules = [\n    "plain",\n    "answer = plain:answer",\n]\n',
        ),
    ],
)
def test_to_fixture_declares_what_it_takes(plain: Suite, name: str, before: str, after: str) -> None:
    """In whatever file pytest reads; the rest of it stays as it was, and the tests pass."""
    (plain.path / "pytest.ini").unlink()
    (plain.path / name).write_text(before, encoding="utf-8")
    done = call_command(plain.path, "fix", "--to=fixture", "--write", "--module", "plain")
    assert done.status == 1
    assert (plain.path / name).read_text(encoding="utf-8") == after
    text = (plain.path / "test_it.py").read_text(encoding="utf-8")
    assert "def model(plain):\n    return plain\n" in text
    assert "def test_two(model, answer):\n    assert answer() == 42\n" in text
    plain.run().assert_outcomes(passed=3)
    assert call_command(plain.path, "fix", "--to=fixture", "--module", "plain").status == 0


def test_to_fixture_takes_the_alias_that_is_declared(plain: Suite) -> None:
    """The function's own name for it becomes the alias."""
    plain.declare("plain", "reply = plain:answer")
    call_command(plain.path, "fix", "--to=fixture", "--write")
    text = (plain.path / "test_it.py").read_text(encoding="utf-8")
    assert "def test_two(model, reply):\n    assert reply() == 42\n" in text
    assert "answer = plain" not in (plain.path / "pytest.ini").read_text(encoding="utf-8")
    plain.run().assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("", "app.model"),
        ("import app.model", "app.model"),
        ("from .model import net", "app.model"),
        ("from . import model", "model = app:model"),
        ("from .model import net as model", "model = app:model"),
        ("try:\n    from . import model\nexcept ImportError:\n    model = None", "model = app:model"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import model", "app.model"),
        (
            "def __getattr__(name):\n    from importlib import import_module\n    return import_module('app.' + name)",
            "app.model",
        ),
        (None, "app.model"),
    ],
)
def test_to_fixture_declares_a_module_as_one(suite: Suite, package: str | None, line: str) -> None:
    """Unless its package has something of that name, which is what the import gives. Then the tests pass."""
    suite.declare("plain", pythonpath=".")
    if package is not None:
        suite.write("app/__init__.py", f"{package}\n")
    suite.write("app/model.py", "import plain\n\ndef net(): pass\n\nnet.plain = plain\n")
    suite.tests("def test_it():\n    from app import model\n    assert model.plain\n")
    assert call_command(suite.path, "fix", "--to=fixture", "--write").status == 1
    assert suite.path.joinpath("pytest.ini").read_text(encoding="utf-8").endswith(f"\n    plain\n    {line}\n")
    suite.run().assert_outcomes(passed=1)
    assert call_command(suite.path, "fix", "--to=fixture") == (0, [], [])


def test_the_package_of_a_declared_module_stays_light(suite: Suite) -> None:
    """As long as it imports nothing heavy itself; so do its other modules."""
    suite.declare("plain", pythonpath=".")
    suite.write("app/__init__.py", "")
    suite.write("app/light.py", "")
    suite.write("app/model.py", "import plain\n")
    suite.tests(
        "from app import light\n\n"
        "def test_light():\n    import app\n    assert app.light is light\n\n"
        "def test_it():\n    from app import model\n    assert model.plain\n"
    )
    call_command(suite.path, "fix", "--to=fixture", "--write")
    done = call_command(suite.path, "scan")
    assert done == (0, ["no finding; 0 of 1 file heavy, 1 of 2 test functions heavy"], [])


def test_what_may_be_a_module_or_not_stays(suite: Suite) -> None:
    """A module of that name is there, and nobody knows whether the package gives something else."""
    suite.declare("plain", pythonpath=".")
    suite.write("app/__init__.py", "from .names import *\n")
    suite.write("app/names.py", "model = 1\n")
    suite.write("app/model.py", "import plain\n")
    suite.tests("def test_it():\n    from app import model\n    assert model\n")
    assert call_command(suite.path, "fix", "--to=fixture") == (
        0,
        [],
        ["test_it.py:2: left alone: 'app': 'model' may be a module, or something else that 'app' gives by that name"],
    )


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (
            "def helper():\n    import plain\n    return plain\n\ndef test_it():\n    helper()",
            "helper is neither a test nor a fixture",
        ),
        (
            "class It(unittest.TestCase):\n    def test_it(self):\n        import plain\n        plain",
            "tests of unittest take no fixtures",
        ),
        ("@given(x)\ndef test_it(x):\n    import plain\n    plain", "its decorator takes the parameters"),
        ("def test_it(x=1):\n    import plain\n    plain", "test_it has parameters after which none can be added"),
        ("def test_it():\n    import plain.part\n    plain", "'plain' is not the whole of what it imports"),
        ("def test_it():\n    import plain, json\n    plain", "it imports something light too"),
        (
            "def test_it():\n    import plain.part as request\n    request",
            "'request = plain.part' (the import) would hide the fixture 'request'. Write it as 'heavy_request = plain.part'.",
        ),
        (
            "@pytest.fixture\ndef net(): pass\n\ndef test_it():\n    import plain.part as net\n    net",
            "'net' is a fixture already",
        ),
    ],
)
def test_what_no_fixture_can_take_the_place_of_stays(plain: Suite, test: str, reason: str) -> None:
    """With the reason."""
    plain.tests(f"{test}\n")
    done = call_command(plain.path, "fix", "--to=fixture")
    assert done.out == []
    assert [line.split(": ", 3)[3] for line in done.err] == [reason]
    assert done.status == 0


@pytest.mark.parametrize("target", ["module", "fixture"])
@pytest.mark.parametrize(
    "test",
    [
        "@pytest.mark.heavy_stub('plain')\ndef test_it():\n    import plain\n    assert plain",
        "pytestmark = pytest.mark.heavy_stub('plain')\n\ndef test_it():\n    import plain\n    assert plain",
        "def test_it(heavy_stub):\n    heavy_stub('plain')\n    import plain\n    assert plain",
    ],
    ids=["mark", "mark of the file", "fixture"],
)
def test_the_import_of_a_stand_in_stays(plain: Suite, test: str, target: str) -> None:
    """It is right where it is."""
    plain.tests(f"import pytest\n\n{test}\n")
    assert call_command(plain.path, "fix", f"--to={target}") == (0, [], [])


def test_what_the_parser_refuses_is_left_alone(plain: Suite) -> None:
    """A line that begins with a backslash is Python, but not for libcst."""
    plain.tests(
        "def test_it():\n    import plain\n    assert plain\n\ndef test_other():\n    \\\n        x = 1\n    pass\n"
    )
    done = call_command(plain.path, "fix")
    assert done == (0, [], ["test_it.py: left alone: libcst can't read it"])


def test_fixtures_of_conftest_files_are_looked_at(plain: Suite) -> None:
    """One that sets a variable comes before the import."""
    plain.write(
        "conftest.py", "import os, pytest\n\n@pytest.fixture(autouse=True)\ndef env():\n    os.environ['A'] = '1'\n"
    )
    plain.tests("def test_it():\n    import plain\n    assert plain\n")
    done = call_command(plain.path, "fix")
    assert done.err == ["test_it.py:2: left alone: 'plain': os.environ in fixture 'env' comes before it"]


def test_to_lazy(suite: Suite) -> None:
    """Imports at the top and in functions become lazy ones, where the project needs a Python that has them."""
    suite.tests("import plain\n\n\ndef test_it():\n    from plain import answer\n\n    assert answer() == 42\n")
    done = call_command(suite.path, "fix", "--to=lazy", "--module", "plain")
    assert done.status == 2
    assert "--to lazy needs Python 3.15, and pyproject.toml says nothing about it" in "\n".join(done.err)
    suite.write("pyproject.toml", '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.15"\n')
    assert call_command(suite.path, "fix", "--to=lazy", "--write", "--module", "plain").status == 1
    text = (suite.path / "test_it.py").read_text(encoding="utf-8")
    assert text.startswith("lazy import plain\nlazy from plain import answer\n\n\ndef test_it():\n    assert answer()")
    assert call_command(suite.path, "fix", "--to=lazy", "--module", "plain") == (0, [], [])


# Files that are not plain ones


def is_fixed(file: Path) -> bool:
    """Whether the import stands before the first test."""
    text = file.read_text(encoding="utf-8")
    return text.index("import plain") < text.index("def test_three")


@pytest.fixture
def one(plain: Suite) -> Path:
    """A suite with one import to move, in a file of which there is no other in the folder."""
    (plain.path / "test_it.py").unlink()
    return plain.write("real/shared.py", "def test_three():\n    import plain\n\n    assert plain\n")


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_a_link_stays_a_link(one: Path, plain: Suite, kind: str) -> None:
    """What it leads to is changed, once, though the scan knows it by two names."""
    for name in ("test_a.py", "test_b.py"):
        link = plain.path / name
        if kind == "symbolic":
            link.symlink_to("real/shared.py")
        else:
            link.hardlink_to(one)
    done = call_command(plain.path, "fix", "--write")
    assert done.err == ["test_b.py: left alone: it is the same file as test_a.py"]
    for name in ("test_a.py", "test_b.py"):
        assert (plain.path / name).samefile(one)
    assert is_fixed(one)
    assert call_command(plain.path, "fix") == (0, [], [])


def test_the_file_itself_comes_before_a_link_to_it(one: Path, plain: Suite) -> None:
    """It is the name that the diff shows."""
    file = one.rename(plain.path / "test_z.py")
    (plain.path / "test_a.py").symlink_to("test_z.py")
    done = call_command(plain.path, "fix", "--write")
    assert done.out[0] == "--- a/test_z.py"
    assert done.err == ["test_a.py: left alone: it is the same file as test_z.py"]
    assert is_fixed(file)


def test_what_a_link_leads_to_outside_of_the_project_is_left_alone(one: Path, plain: Suite, tmp_path: Path) -> None:
    """It is another project's."""
    away = one.rename(tmp_path.parent / f"{tmp_path.name}-shared.py")
    (plain.path / "test_link.py").symlink_to(away)
    done = call_command(plain.path, "fix", "--write")
    assert done == (0, [], [f"test_link.py: left alone: it is a link that leads out of {plain.path}"])
    assert not is_fixed(away)


def test_a_read_only_file_is_left_alone(one: Path, plain: Suite) -> None:
    """Also by root; the diff doesn't show it either."""
    file = one.rename(plain.path / "test_locked.py")
    file.chmod(0o444)
    done = call_command(plain.path, "fix", "--write")
    assert done == (0, [], ["test_locked.py: left alone: it is read-only"])
    assert not is_fixed(file)


def test_a_read_only_configuration_takes_no_declaration(one: Path, plain: Suite) -> None:
    """So no test asks for a fixture that isn't there."""
    file = one.rename(plain.path / "test_it.py")
    (plain.path / "pytest.ini").chmod(0o444)
    done = call_command(plain.path, "fix", "--to=fixture", "--write", "--module=plain")
    because = "'plain' is not declared, and pytest.ini can't be changed: it is read-only"
    assert done == (0, [], [f"test_it.py:2: left alone: 'plain': {because}"])
    assert "import plain" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ["", "package/"])
@pytest.mark.parametrize("odd", ["fifo", "loop", "dangling"])
@pytest.mark.parametrize("name", ["test_odd.py", "conftest.py"])
def test_what_is_not_a_file_is_passed_over(one: Path, plain: Suite, package: str, odd: str, name: str) -> None:
    """As pytest does: a FIFO, at which reading waits, and a link that leads nowhere; also in a package of tests."""
    file = plain.write(f"{package}test_it.py", one.read_text(encoding="utf-8"))
    plain.write(f"{package}__init__.py", "")
    if odd == "fifo":
        os.mkfifo(file.with_name(name))
    else:
        file.with_name(name).symlink_to(name if odd == "loop" else "nowhere.py")
    assert call_command(plain.path, "fix", "--write").err == []
    assert is_fixed(file)


def test_a_fifo_that_was_named_is_refused(plain: Suite) -> None:
    """It was meant."""
    os.mkfifo(plain.path / "test_fifo.py")
    done = call_command(plain.path, "fix", "test_fifo.py")
    assert (done.status, done.err[0]) == (2, "heavyimports fix: 'test_fifo.py' is neither a file nor a folder.")


def test_a_file_that_cannot_be_read_is_reported(one: Path, plain: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are changed. Root can read everything, so that the reading itself is replaced here."""
    file = one.rename(plain.path / "test_it.py")
    plain.write("test_secret.py", "")
    read = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "test_secret.py":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert call_command(plain.path, "scan").err == ["test_secret.py: can't be read: Permission denied"]
    assert call_command(plain.path, "fix", "--write").err == ["test_secret.py: can't be read: Permission denied"]
    assert is_fixed(file)
