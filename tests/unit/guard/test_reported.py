"""Nobody is reported twice for one thing."""

from __future__ import annotations

import builtins

import pytest

from pytest_heavyimports.errors import ReloadRefused
from pytest_heavyimports.facts.ledger import Ledger
from pytest_heavyimports.facts.places import Place, Whereabouts
from pytest_heavyimports.guard.blame import Blame, item_owner
from pytest_heavyimports.guard.looks import Looks
from pytest_heavyimports.guard.reported import Reported
from pytest_heavyimports.guard.watch import Owner
from pytest_heavyimports.imports.keeper import Keeper

TEST = item_owner("test_it.py::test_it")
FIXTURE = Owner("fixture", Place("setup", "test_it.py", "some"), 1)
REFUSAL = ReloadRefused("plainpkg", first="", again="", why="")


def _raised(
    error: BaseException, *, cause: BaseException | None = None, context: BaseException | None = None
) -> BaseException:
    error.__cause__, error.__context__ = cause, context
    return error


FAILURES = {
    "itself": REFUSAL,
    "its cause": _raised(ValueError(), cause=REFUSAL),
    "its context, beside a cause": _raised(ValueError(), cause=KeyError(), context=REFUSAL),
    "far": _raised(ValueError(), context=_raised(KeyError(), cause=REFUSAL)),
}
if group := vars(builtins).get("ExceptionGroup"):  # Python 3.11
    FAILURES["one of a group"] = group("several", [ValueError(), REFUSAL])


@pytest.fixture
def reported() -> Reported:
    """With a refusal that a fixture and the test were given."""
    looks = Looks(Keeper())
    reported = Reported(Blame(Ledger(), Whereabouts("/")), looks)
    reported.refused(REFUSAL, "plainpkg", FIXTURE, TEST)
    return reported


@pytest.mark.parametrize("how", FAILURES)
def test_a_failure_by_a_refusal(reported: Reported, how: str) -> None:
    """Wherever it stands among the errors."""
    assert reported.fail(FAILURES[how])
    assert reported.has_failed(FIXTURE)
    assert reported.has_failed(TEST)


def test_a_failure_of_another_kind(reported: Reported) -> None:
    """An error that has led to itself is looked at once."""
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    assert not reported.fail(first)
    assert not reported.has_failed(TEST)


def test_a_refusal_is_known_until_one_of_its_owners_ends(reported: Reported) -> None:
    """Not until any fixture ends, or none."""
    reported.forget()
    reported.forget(item_owner("test_it.py::test_other"))
    assert reported.fail(REFUSAL)
    reported.forget(TEST)
    assert not reported.fail(REFUSAL)
    assert not reported.has_failed(TEST)
