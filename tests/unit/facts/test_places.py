"""Where the run is."""

from __future__ import annotations

import importlib
import re
import runpy
import threading
from pathlib import Path

import pytest

from pytest_heavyimports.facts.places import Place, Whereabouts, asking_line, calling_line

CURRENT = "tests/unit/facts/test_places.py::{} (call)"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place("start-up"), "start-up"),
        (Place("collect", "test_a.py"), "test_a.py (collection)"),
        (Place("call", "test_a.py::test_one"), "test_a.py::test_one (call)"),
        (Place("setup", "test_a.py::test_one", fixture="np"), "test_a.py::test_one (setup of fixture 'np')"),
        (Place("call", "test_a.py::test_one", line="app.py:3"), "app.py:3, in test_a.py::test_one (call)"),
        (Place("start-up", line="conftest.py:3"), "conftest.py:3, in start-up"),
    ],
)
def test_places_are_told_in_plain_english(place: Place, expected: str) -> None:
    """A place is the statement, the test or file, and what was going on."""
    assert str(place) == expected


def test_during_a_test_the_place_is_pytests_own_word() -> None:
    """The test and its phase are those of PYTEST_CURRENT_TEST."""
    name = "test_during_a_test_the_place_is_pytests_own_word"
    whereabouts = Whereabouts("/project")
    # The variable was there when the session began, which makes it another session's.
    assert str(whereabouts()) == "start-up"
    assert str(_whereabouts_of_a_session_that_began_earlier()()) == CURRENT.format(name)


def _whereabouts_of_a_session_that_began_earlier() -> Whereabouts:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_CURRENT_TEST")
        return Whereabouts("/project")


def test_a_parametrised_name_with_a_parenthesis_is_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The phase is what stands behind the last parenthesis."""
    whereabouts = _whereabouts_of_a_session_that_began_earlier()
    with monkeypatch.context() as patch:
        patch.setenv("PYTEST_CURRENT_TEST", "test_a.py::test_one[f (x)] (setup)")
        assert whereabouts() == Place("setup", "test_a.py::test_one[f (x)]")


def test_outside_of_tests_the_place_is_what_was_entered() -> None:
    """The last phase that was entered counts, in the process whose variable is inherited, too."""
    whereabouts = Whereabouts("/project")
    whereabouts.enter("collect", "test_a.py")
    assert str(whereabouts()) == "test_a.py (collection)"
    whereabouts.enter("after collection")
    assert str(whereabouts()) == "after collection"


def test_what_happens_in_the_setup_of_a_fixture_names_it() -> None:
    """Inside, the fixture is named; behind it no longer, also after an error."""
    whereabouts = Whereabouts("/project")
    with whereabouts.setting_up("np"):
        assert whereabouts().fixture == "np"
    assert whereabouts().fixture == ""
    with pytest.raises(OSError, match="broken"), whereabouts.setting_up("np"):
        raise OSError("broken")
    assert whereabouts().fixture == ""


def test_a_fixture_of_one_thread_is_not_that_of_another() -> None:
    """Each thread has its own fixture."""
    whereabouts = Whereabouts("/project")
    seen: list[str] = []
    with whereabouts.setting_up("np"):
        thread = threading.Thread(target=lambda: seen.append(whereabouts().fixture))
        thread.start()
        thread.join()
    assert seen == [""]


def test_a_fixture_that_asks_for_another_is_named_again() -> None:
    """After the inner fixture the outer one is being set up still."""
    whereabouts = Whereabouts("/project")
    with whereabouts.setting_up("outer"):
        with whereabouts.setting_up("inner"):
            assert whereabouts().fixture == "inner"
        assert whereabouts().fixture == "outer"


def test_files_under_the_root_are_told_relative_to_it() -> None:
    """A file of the project is told as pytest does, another one by its whole path."""
    whereabouts = Whereabouts("/project")
    assert whereabouts.of("/project/src/app.py", 3).line == "src/app.py:3"
    assert whereabouts.of("/projector/app.py", 3).line == "/projector/app.py:3"


def test_the_calling_line_is_that_of_the_users_statement(
    samples: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the import system nor this package is told as the place of an import."""
    (tmp_path / "asks_for_its_line.py").write_text(
        "from pytest_heavyimports.facts.places import calling_line\n\nhere = calling_line()\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("asks_for_its_line")
    assert module.here == (str(tmp_path / "asks_for_its_line.py"), 3)
    assert calling_line()[0] == __file__


def test_the_asking_line_is_the_users_where_one_is(tmp_path: Path) -> None:
    """The innermost statement under the root directory, not that of a library that it calls; or else the innermost."""
    file = tmp_path / "asking.py"
    file.write_text("import json\n\ndef ask():\n    json.loads(3)\n", encoding="utf-8")
    ask = runpy.run_path(str(file))["ask"]
    with pytest.raises(TypeError) as caught:
        ask()
    assert asking_line(caught.tb, str(tmp_path)) == "asking.py:4"
    assert re.fullmatch(r"/.*json/__init__.py:\d+", asking_line(caught.tb, str(tmp_path / "elsewhere")))
    assert asking_line(None, str(tmp_path)) == ""
