"""The import tree in the formats of other tools: speedscope's, and the text of ``python -X importtime``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Node

SPEEDSCOPE_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
IMPORTTIME_HEADER = "import time: self [us] | cumulative | imported package"


def speedscope(trees: Mapping[str, Sequence[Node]], *, exporter: str) -> str:
    """
    A file for speedscope: one profile for each thread of each process, in microseconds.

    Reference: the file format's page in speedscope's wiki, "evented" profiles.
    """
    frames: dict[str, int] = {}
    profiles = [
        _profile(" ".join(filter(None, (process, thread))), tree, numbers, frames)
        for process, tree in trees.items()
        for thread, numbers in _threads(tree).items()
    ]
    document = {
        "$schema": SPEEDSCOPE_SCHEMA,
        "exporter": exporter,
        "name": "heavy imports",
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": profiles,
    }
    return json.dumps(document, separators=(",", ":")) + "\n"


def importtime(trees: Mapping[str, Sequence[Node]]) -> str:
    """
    What ``-X importtime`` would have written: a module stands after what it imports, which is indented further.

    Reference: ``-X importtime`` in Python's command line documentation; the layout is that of CPython's import.c.
    """
    return "\n".join(line for tree in trees.values() for line in (IMPORTTIME_HEADER, *_importtime_lines(tree))) + "\n"


def _importtime_lines(tree: Sequence[Node]) -> Iterator[str]:
    for number, level, is_end in walk(tree):
        if is_end:
            node = tree[number]
            indented = f"{'':{2 * level}}{node.load.fullname}"
            yield f"import time: {node.self_us:9d} | {node.cumulative_us:10d} | {indented}"


def walk(tree: Sequence[Node]) -> Iterator[tuple[int, int, bool]]:
    """Each load by its number and level, twice: where it begins, and where everything that it imported has ended."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for number, node in enumerate(tree):
        children[node.load.importer].append(number)
    pending = [(number, 0, False) for number in reversed(children[-1])]
    while pending:
        number, level, is_end = pending.pop()
        yield number, level, is_end
        if not is_end:
            pending.append((number, level, True))
            pending += [(child, level + 1, False) for child in reversed(children[number])]


def _threads(tree: Sequence[Node]) -> dict[str, list[int]]:
    threads: defaultdict[str, list[int]] = defaultdict(list)
    for number, node in enumerate(tree):
        threads[node.load.thread].append(number)
    return threads


def _profile(name: str, tree: Sequence[Node], numbers: list[int], frames: dict[str, int]) -> dict[str, object]:
    wanted = set(numbers)
    events = []
    for number, _, is_end in walk(tree):
        if number in wanted:
            load = tree[number].load
            frame = frames.setdefault(load.fullname, len(frames))
            events.append(
                {"type": "C" if is_end else "O", "frame": frame, "at": load.end_us if is_end else load.begin_us}
            )
    return {
        "type": "evented",
        "name": name,
        "unit": "microseconds",
        "startValue": min(tree[number].load.begin_us for number in numbers),
        "endValue": max(tree[number].load.end_us for number in numbers),
        "events": events,
    }
