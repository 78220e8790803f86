"""What becomes of a reload."""

from __future__ import annotations

import pytest

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.guard.policy import Protection, Verdict, judge_reimport, judge_reload
from pytest_heavyimports.guard.watch import Owner

PROTECTION = Protection({"mypkg": "'mypkg >= 2' (pytest.ini, line 1)", "google.cloud": "'google.cloud' (hook)"})


@pytest.mark.parametrize(
    ("fullname", "mode", "verdict"),
    [
        ("torch", "error", Verdict.REFUSE),
        ("torch.overrides", "error", Verdict.REFUSE),
        ("torch", "restore", Verdict.GIVE_BACK),
        ("torch", "off", Verdict.ALLOW),
        ("mypkg", "error", Verdict.REFUSE),
        ("mypkg.part", "restore", Verdict.GIVE_BACK),
        ("mypkg", "off", Verdict.ALLOW),
        ("mypkgs", "error", Verdict.ALLOW),
        ("google.cloud.vision", "error", Verdict.REFUSE),
        ("google", "error", Verdict.ALLOW),
        ("src.worker.pipeline", "error", Verdict.ALLOW),
        ("mytorch.torch", "error", Verdict.ALLOW),
    ],
)
def test_protected_modules_are_not_reloaded(fullname: str, mode: str, verdict: Verdict) -> None:
    """A module that lies in a protected package is refused or given back by mode, any other is reloaded."""
    assert judge_reload(fullname, protection=PROTECTION, mode=mode) is verdict


def test_the_declaration_that_protects_a_module_is_known() -> None:
    """A part is protected by the declaration of its package; a module of the table needs none."""
    assert PROTECTION.declaration("mypkg.part") == "'mypkg >= 2' (pytest.ini, line 1)"
    assert PROTECTION.declaration("torch") == ""
    assert PROTECTION.covers("mypkg.part")
    assert PROTECTION.covers("torch.nn")
    assert not PROTECTION.covers("another")


def test_the_innermost_name_decides() -> None:
    """A part can be taken away from a protected package, and one of another's protected alone."""
    protection = Protection({"mypkg": "'mypkg'", "other.part": "'other.part'"}, frozenset({"mypkg.plain", "numpy"}))
    covered = {"mypkg", "mypkg.plain", "mypkg.plain.deep", "mypkg.other", "other", "other.part", "numpy", "torch"}
    assert {name for name in covered if protection.covers(name)} == {"mypkg", "mypkg.other", "other.part", "torch"}


START = Owner("start", Place("before collection"))
BETWEEN = Owner("session", Place("between tests"))
FILE = Owner("file", Place("collect", "test_a.py"))
TEST = Owner("test", Place("", "test_a.py::test_one"))
OTHER_TEST = Owner("test", Place("", "test_a.py::test_two"))
OWN_FIXTURE = Owner("fixture", Place("setup", "test_a.py::test_one", "faking"), 1)
MODULE_FIXTURE = Owner("fixture", Place("setup", "test_a.py", "faking"), 2)
OTHER_MODULE_FIXTURE = Owner("fixture", Place("setup", "test_a.py", "another"), 5)
SESSION_FIXTURE = Owner("fixture", Place("setup", "", "faking"), 3)
OTHER_SESSION_FIXTURE = Owner("fixture", Place("setup", "", "another"), 4)


@pytest.mark.parametrize(
    ("owner", "actor", "verdict"),
    [
        pytest.param(TEST, TEST, Verdict.REFUSE, id="the test itself"),
        pytest.param(OWN_FIXTURE, TEST, Verdict.REFUSE, id="a test, for its own fixture"),
        pytest.param(OWN_FIXTURE, OWN_FIXTURE, Verdict.REFUSE, id="a fixture itself"),
        pytest.param(MODULE_FIXTURE, MODULE_FIXTURE, Verdict.REFUSE, id="a module fixture itself"),
        pytest.param(SESSION_FIXTURE, SESSION_FIXTURE, Verdict.REFUSE, id="a session fixture itself"),
        pytest.param(FILE, FILE, Verdict.REFUSE, id="a file itself"),
        pytest.param(TEST, OTHER_TEST, Verdict.GIVE_BACK, id="another test"),
        pytest.param(OWN_FIXTURE, OTHER_TEST, Verdict.GIVE_BACK, id="another test than the fixture's"),
        pytest.param(MODULE_FIXTURE, TEST, Verdict.GIVE_BACK, id="a test, for a module fixture"),
        pytest.param(MODULE_FIXTURE, OTHER_MODULE_FIXTURE, Verdict.GIVE_BACK, id="another module fixture"),
        pytest.param(SESSION_FIXTURE, TEST, Verdict.GIVE_BACK, id="a test, for a session fixture"),
        pytest.param(SESSION_FIXTURE, OTHER_SESSION_FIXTURE, Verdict.GIVE_BACK, id="another session fixture"),
        pytest.param(FILE, TEST, Verdict.GIVE_BACK, id="a test of the file"),
        pytest.param(START, START, Verdict.GIVE_BACK, id="before collection"),
        pytest.param(START, TEST, Verdict.GIVE_BACK, id="a test, for what was before collection"),
        pytest.param(BETWEEN, BETWEEN, Verdict.GIVE_BACK, id="between tests"),
    ],
)
def test_only_the_culprit_is_refused(owner: Owner, actor: Owner, verdict: Verdict) -> None:
    """In mode ``error``: who has displaced a module may not import it again; in ``restore`` everybody may."""
    assert judge_reimport(owner, actor, "error") is verdict
    assert judge_reimport(owner, actor, "restore") is Verdict.GIVE_BACK
