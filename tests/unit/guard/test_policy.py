"""What becomes of a reload."""

from __future__ import annotations

import pytest

from pytest_heavyimports.guard.policy import Protection, Verdict, judge_reload

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
