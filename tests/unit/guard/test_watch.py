"""Whose displacement it is, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.guard.watch import Displacement, Owner, Watch

START = Owner("start", Place("before collection"))
TEST = Owner("test", Place("", "test_it.py::test_it"))
OTHER = Owner("test", Place("", "test_it.py::test_other"))
FIXTURE = Owner("fixture", Place("setup", "test_it.py", "faking"), 1)


class World:
    """What is displaced, as a dictionary that the test changes; counts how often all modules are looked at."""

    def __init__(self) -> None:
        self.displaced: dict[str, Any] = {}
        self.looks = 0
        self._seen: dict[str, Any] = {}
        self.watch = Watch(START, has_changed=self._has_changed, displaced=self._displaced)

    def _packages(self) -> dict[str, Any]:
        return {name: fake for name, fake in self.displaced.items() if "." not in name}

    def _has_changed(self) -> bool:
        return self._packages() != self._seen

    def _displaced(self) -> dict[str, Any]:
        self.looks += 1
        self._seen = self._packages()
        return dict(self.displaced)


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_displaced_while_someone_acts_is_his(world: World) -> None:
    """Seen when he has done; it is told when he ends, and forgotten then."""
    with world.watch.acting(TEST):
        world.displaced["torch"] = None
    assert world.watch.owner_of("torch") == TEST
    assert world.watch.end(OTHER) == []
    assert world.watch.end(TEST) == [Displacement("torch", None, TEST)]
    assert world.watch.end(TEST) == []


def test_what_is_undone_is_nobodys(world: World) -> None:
    """A displacement that is gone at a checkpoint leaves nothing to tell."""
    with world.watch.acting(TEST):
        world.displaced["torch"] = None
        world.watch.check()
        del world.displaced["torch"]
    assert world.watch.end(TEST) == []


def test_the_first_owner_stays_the_owner(world: World) -> None:
    """Who acts later, while it is displaced, has not displaced it, not even by putting in something else."""
    with world.watch.acting(FIXTURE):
        world.displaced["torch"] = None
    with world.watch.acting(TEST):
        world.displaced["torch"] = "a fake"
        world.watch.check()
    assert world.watch.end(TEST) == []
    assert [displacement.owner for displacement in world.watch.end(FIXTURE)] == [FIXTURE]


def test_what_is_displaced_again_is_the_second_ones(world: World) -> None:
    """Put back in between, it belongs to whoever takes it next."""
    with world.watch.acting(FIXTURE):
        world.displaced["torch"] = None
    with world.watch.acting(TEST):
        del world.displaced["torch"]
        world.watch.check()
        world.displaced["torch"] = None
    assert world.watch.end(FIXTURE) == []
    assert len(world.watch.end(TEST)) == 1


def test_inside_another(world: World) -> None:
    """A fixture's setup inside a test's: each owns what was displaced in its own part."""
    with world.watch.acting(TEST):
        world.displaced["numpy"] = None
        with world.watch.acting(FIXTURE):
            world.displaced["torch"] = None
        world.displaced["jax"] = "a fake"
    owners = {name: world.watch.owner_of(name) for name in ("numpy", "torch", "jax")}
    assert owners == {"numpy": TEST, "torch": FIXTURE, "jax": TEST}
    assert world.watch.actor == START


def test_also_when_he_fails(world: World) -> None:
    """An exception passes, with its displacement noted and the outer one acting again."""

    def fail() -> None:
        with world.watch.acting(TEST):
            world.displaced["torch"] = None
            raise ValueError("of its own")

    with pytest.raises(ValueError, match="of its own"):
        fail()
    assert world.watch.owner_of("torch") == TEST
    assert world.watch.actor == START


def test_a_checkpoint_for_another(world: World) -> None:
    """What a finalizer has displaced can be noted under its name, whoever is acting."""
    world.displaced["torch"] = None
    world.watch.check(actor=FIXTURE)
    assert world.watch.owner_of("torch") == FIXTURE


def test_two_set_ups_of_one_fixture_are_two(world: World) -> None:
    """What the first one has left is not the second one's."""
    second = FIXTURE._replace(number=2)
    with world.watch.acting(FIXTURE):
        world.displaced["torch"] = None
    assert world.watch.end(second) == []
    assert len(world.watch.end(FIXTURE)) == 1


def test_several_owners_end_at_once(world: World) -> None:
    """A fixture's setup and its finalizer are judged together."""
    finalizer = Owner("fixture", Place("teardown", "test_it.py", "faking"), 2)
    with world.watch.acting(FIXTURE):
        world.displaced["torch"] = None
    with world.watch.acting(finalizer):
        world.displaced["numpy"] = None
    assert {displacement.fullname for displacement in world.watch.end(FIXTURE, finalizer)} == {"torch", "numpy"}


def test_what_was_displaced_since_the_last_checkpoint_is_the_actors(world: World) -> None:
    """What is not displaced has no owner."""
    with world.watch.acting(TEST):
        world.displaced["torch"] = None
        assert world.watch.owner_of("torch") == TEST
        assert world.watch.owner_of("numpy") is None


def test_a_part_is_seen_where_every_module_is_looked_at(world: World) -> None:
    """A checkpoint looks at the packages alone, for it must be fast; a thorough one sees the parts too."""
    with world.watch.acting(TEST):
        world.displaced["torch.nn"] = None
    assert world.looks == 0
    assert world.watch.end(TEST) == []
    with world.watch.acting(OTHER):
        world.watch.check(every_module=True)
    assert world.watch.end(OTHER) == [Displacement("torch.nn", None, OTHER)]


def test_nothing_displaced_costs_little(world: World) -> None:
    """While nothing is displaced, a checkpoint doesn't look at every module."""
    for _ in range(10):
        with world.watch.acting(TEST):
            pass
    assert world.looks == 0
