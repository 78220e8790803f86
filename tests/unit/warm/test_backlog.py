"""What runs had to import: in which order it is tried and imported."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from pytest_heavyimports.warm.backlog import Backlog
from pytest_heavyimports.warm.learning import Learnt
from pytest_heavyimports.warm.trial import Result
from pytest_heavyimports.warm.wire import Message, join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_heavyimports.warm.preload import Preload

FIRST, SECOND, THIRD = (Learnt(name, f"/{name}.py", False) for name in ("first", "second", "third"))


class Left(SimpleNamespace):
    """What is known of modules, and left out."""

    def __init__(self) -> None:
        super().__init__(known={"known"}, out=dict[str, str]())

    def is_left_out(self, fullname: str) -> bool:
        """Whether it is."""
        return fullname in self.out

    def leave_out(self, fullname: str, why: str) -> None:
        """From now on."""
        self.out[fullname] = why


@pytest.fixture
def preload() -> Left:
    """Has imported ``known``."""
    return Left()


def backlog(preload: Left, *, is_trying: bool = True) -> Backlog:
    """Of this preload."""
    return Backlog(cast("Preload", preload), is_trying=is_trying)


def learnt(*modules: Learnt) -> Message:
    """What a run tells of what it had to import."""
    return Message("learnt", modules=join(json.dumps(module) for module in modules))


def names(modules: Sequence[Learnt]) -> list[str]:
    """In order."""
    return [module.fullname for module in modules]


def test_each_is_tried_once_and_then_imported(preload: Left) -> None:
    """Not what is there already."""
    modules = backlog(preload)
    modules.add_learnt(learnt(FIRST, SECOND, Learnt("known", "", False)))
    modules.add_declared(Message("suits", modules=join(["second", "third"])))
    tried = modules.take_untried()
    assert names(tried) == ["first", "second", "third"]
    assert (modules.to_try, modules.to_load) == ([], [])
    modules.take_in(Result(tried, "", "", ()))
    modules.add_learnt(learnt(FIRST))
    assert (modules.to_try, names(modules.take_harmless())) == ([], ["first", "second", "third"])
    assert modules.to_load == []


def test_what_comes_after_a_harmful_module_is_tried_without_it(preload: Left) -> None:
    """Before what has come in meanwhile."""
    modules = backlog(preload)
    modules.add_learnt(learnt(FIRST))
    modules.take_in(Result([FIRST], "second", "its import warns", [SECOND, THIRD]))
    assert preload.out == {"second": "its import warns"}
    assert names(modules.take_untried()) == ["third", "first"]
    assert names(modules.take_harmless()) == ["first"]


def test_what_was_not_whole_is_not_left_out(preload: Left) -> None:
    """Something was installed meanwhile."""
    backlog(preload).take_in(Result([], "second", "it is missing", [], is_certain=False))
    assert preload.out == {}


def test_a_trial_that_has_told_nothing_is_not_repeated(preload: Left) -> None:
    """Until a run tells the modules again."""
    modules = backlog(preload)
    modules.add_learnt(learnt(FIRST))
    modules.take_in(Result([], "", "", modules.take_untried()))
    assert modules.to_try == []
    modules.add_learnt(learnt(FIRST))
    assert names(modules.take_untried()) == ["first"]


def test_for_one_run_nothing_is_tried(preload: Left) -> None:
    """Its workers wait for what is declared."""
    modules = backlog(preload, is_trying=False)
    modules.add_declared(Message("suits", modules=b"first"))
    assert (modules.to_try, names(modules.to_load)) == ([], ["first"])


def test_a_name_that_is_none_is_refused(preload: Left) -> None:
    """A test can write into the pipe of its run."""
    with pytest.raises(TypeError):
        backlog(preload).add_learnt(Message("learnt", modules=join([json.dumps([5, "", False])])))
