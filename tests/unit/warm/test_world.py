"""What imports do to others: found, undone, and done again."""

from __future__ import annotations

import json
import os
import sys
import types
import warnings
from collections.abc import Callable

import pytest

from pytest_heavyimports.warm.world import World


class Mine(UserWarning):
    """Of a filter."""


def _patch_class() -> None:
    json.JSONEncoder.default = lambda *_: "patched"  # type: ignore[method-assign]  # as packages do


def _facts() -> tuple[object, ...]:
    filters = [each for each in warnings.filters if each[2] is Mine]
    here = vars(json).get("added"), vars(json.JSONEncoder)["default"], json.decoder.BACKSLASH.copy()
    return *here, filters, os.environ.get("SET_BY_IT"), list(sys.meta_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda: setattr(json, "added", 1),
        lambda: json.decoder.BACKSLASH.update(x="y"),
        lambda: warnings.filterwarnings("ignore", category=Mine),
        lambda: os.environ.update(SET_BY_IT="1"),
        lambda: sys.meta_path.append(types.SimpleNamespace(find_spec=lambda *_: None)),
        _patch_class,
    ],
    ids=["attribute", "contents", "filter", "variable", "finder", "class"],
)
def test_a_change_is_undone_and_done_again(change: Callable[[], object]) -> None:
    """Nothing is left of it in between, and then all is as it was after the change."""
    world = World()
    for module in (json, json.decoder, json.encoder):
        world.add(module)
    world.begin()
    before = _facts()
    change()
    after = _facts()
    assert after != before
    effects = world.effects()
    for effect in reversed(effects):
        effect.undo()
    assert _facts() == before
    assert all(effect.redo() for effect in effects)
    assert _facts() == after
    for effect in reversed(effects):
        effect.undo()


def test_what_stands_in_the_place_of_a_function_is_not_overwritten() -> None:
    """It says that it couldn't do what the import would have done."""
    world = World()
    world.add(json)
    world.begin()
    real = json.dumps
    json.dumps = lambda *_, **__: "of an import"
    (effect,) = world.effects()
    effect.undo()
    assert json.dumps is real
    json.dumps = lambda *_, **__: "of a run"
    assert not effect.redo()
    json.dumps = real
