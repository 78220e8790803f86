"""What belongs together: parts of namespace packages, parts that a package makes, and who registers in a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support.guarded import MODES, Guarded, failures, told
from ..support.installed import Installed

if TYPE_CHECKING:
    from ..support.suite import Suite

STARS = {
    "stars/api/__init__.py": "class Tracer: pass\n",
    "stars/sdk/__init__.py": "from stars import api\n\nclass Tracer(api.Tracer): pass\n",
}
LENS = {
    "lens/__init__.py": "from . import utils\n",
    "lens/utils/__init__.py": """\
        import sys
        import types

        files = types.ModuleType("lens.utils.files")
        sys.modules["lens.utils.files"] = files
        """,
    "lens/utils/files/__init__.pyi": "",
    "lens/late.py": """\
        import sys
        import types

        def make():
            sys.modules["lens.utils.late"] = types.ModuleType("lens.utils.late")
        """,
    "lens/utils/late/__init__.pyi": "",
}
REGISTER = {
    "register/__init__.py": """\
        known = {}

        def add(name, value):
            if name in known:
                raise ValueError(name)
            known[name] = value
        """,
}
RELATED = """
    def test_classes_are_related():
        from stars.api import Tracer
        from stars.sdk import Tracer as Made
        assert issubclass(Made, Tracer)

    def test_parts_are_attributes():
        import stars.api
        import stars.sdk
        assert issubclass(stars.sdk.Tracer, stars.api.Tracer)
    """


@pytest.fixture
def guarded(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    """The packages are installed, and declared; ``app`` is the code under test."""
    installed = Installed(tmp_path_factory.mktemp("userbase"))
    installed.add("things", "1.0", STARS | LENS | REGISTER)
    guarded = Guarded(suite, installed)
    suite.write("pytest.ini", "[pytest]\npythonpath = .\nheavy_modules =\n    stars.sdk\n    lens\n    register\n")
    suite.write("app/__init__.py", "")
    suite.write("app/order.py", "import register\n\nclass Order: pass\n\nregister.add('order', Order)\n")
    return guarded


PURGE = "for name in [name for name in sys.modules if name.startswith({names})]:\n        del sys.modules[name]\n"


@pytest.mark.parametrize("how", ["first imported in patch.dict", "another part was imported before"])
@pytest.mark.parametrize("mode", MODES)
def test_parts_of_a_namespace_come_back_together(guarded: Guarded, mode: str, how: str) -> None:
    """The declared one, and the one that it uses, with the attributes of the package that they share."""
    if how.startswith("first"):
        guarded.suite.tests(
            """
            import sys
            from unittest.mock import patch

            def test_culprit():
                with patch.dict(sys.modules, {"absent": None}):
                    from stars.sdk import Tracer
            """,
            "test_a.py",
        )
    else:
        purge = PURGE.format(names="'stars'")
        text = f"import sys\nimport stars.api\n\ndef test_culprit():\n    import stars.sdk\n    {purge}"
        guarded.suite.tests(text, "test_a.py")
    guarded.suite.tests(RELATED, "test_b.py")
    result = guarded.run(mode)
    assert failures(result) == (["ERROR test_a.py::test_culprit"] if mode == "error" else [])
    line = 5 if how.startswith("first") else 7
    assert told(result) == [f"test_a.py:{line}, in test_a.py::test_culprit: left stars.sdk displaced: put back"]


@pytest.mark.parametrize("mode", MODES)
def test_what_a_package_makes_is_no_fake(guarded: Guarded, mode: str) -> None:
    """It has no spec, and lies beside a folder of stubs; whether it was made at the import or later."""
    guarded.suite.tests(
        """
        def test_import(lens):
            assert lens.utils

        def test_part():
            import lens.late
            import lens.utils.files
            lens.late.make()

        def test_late():
            import lens.utils.files
            import lens.utils.late
        """
    )
    result = guarded.run(mode)
    result.assert_outcomes(passed=3)
    assert told(result) == []


def test_what_a_package_has_made_comes_back(guarded: Guarded) -> None:
    """It is kept with the package."""
    purge = PURGE.format(names="'lens'")
    guarded.suite.tests(f"import sys\n\ndef test_culprit(lens):\n    {purge}", "test_a.py")
    guarded.suite.tests(
        "def test_it(lens):\n    import lens.utils.files as files\n    assert files is lens.utils.files\n", "test_b.py"
    )
    guarded.run("restore").assert_outcomes(passed=2, warnings=1)


FIND = """
    def test_finds():
        import register
        from app.order import Order
        assert register.known["order"] is Order
    """


@pytest.mark.parametrize("mode", MODES)
def test_who_has_registered_is_thrown_out_as_well(guarded: Guarded, mode: str) -> None:
    """Both are executed again, as without the guard; the culprit is told how to have both kept."""
    purge = PURGE.format(names="('app', 'register')")
    text = f"import sys\n\ndef test_culprit():\n    import app.order\n    {purge}    import app.order\n    {purge}"
    guarded.suite.tests(
        text if mode == "restore" else text.replace("    import app.order\n    for", "    for", 1), "test_a.py"
    )
    guarded.suite.tests(FIND, "test_b.py")
    result = guarded.run(mode)
    assert "FAILED" not in " ".join(failures(result))
    assert told(result)[-1] == "test_a.py::test_culprit: left register displaced: left alone"
    result.stdout.fnmatch_lines(
        [
            "*'register' was thrown out of sys.modules together with 'app.order'. *",
            "*taken by: test_a.py::test_culprit",
            "*To have them kept and put back, add to heavy_protect: app.order.",
        ]
    )


def test_both_are_protected(guarded: Guarded) -> None:
    """Then both come back."""
    guarded.suite.write("pytest.ini", "[pytest]\npythonpath = .\nheavy_modules = register\nheavy_protect = app.order\n")
    purge = PURGE.format(names="('app', 'register')")
    guarded.suite.tests(f"import sys\n\ndef test_culprit():\n    import app.order\n    {purge}", "test_a.py")
    guarded.suite.tests(
        FIND + "\n\n    def test_attribute():\n        import app.order\n        assert app.order\n", "test_b.py"
    )
    result = guarded.run("restore")
    result.assert_outcomes(passed=3, warnings=1)
    assert told(result) == ["test_a.py:6, in test_a.py::test_culprit: left app.order and 1 more displaced: put back"]
