"""The import tree as other tools read it."""

from __future__ import annotations

import json

from pytest_heavyimports.report.formats import importtime, speedscope, walk
from pytest_heavyimports.report.model import make_tree

from .trees import TORCH, load

TREE = make_tree(TORCH)


def test_a_module_stands_after_what_it_imports() -> None:
    """Which is indented further; columns are those of -X importtime."""
    assert importtime({"": TREE}).splitlines() == [
        "import time: self [us] | cumulative | imported package",
        "import time:    200000 |     200000 |       numpy",
        "import time:    300000 |     500000 |     torch._C",
        "import time:    500000 |     500000 |     torch.nn",
        "import time:    700000 |    1700000 |   torch",
        "import time:    300000 |    2000000 | app",
        "import time:    250000 |     250000 | torch._dynamo",
    ]


def test_each_load_begins_and_ends_once() -> None:
    """With its level; inside are those that it imported."""
    assert list(walk(make_tree(TORCH[:2]))) == [(0, 0, False), (1, 1, False), (1, 1, True), (0, 0, True)]


def test_each_thread_of_each_process_is_a_profile() -> None:
    """Named after both, with frames that all share."""
    threads = [load("torch", -1, 0, 9), load("torch", -1, 2, 5)._replace(thread="loader")]
    told = json.loads(speedscope({"gw0": make_tree(threads), "gw1": make_tree(TORCH[:1])}, exporter="us"))
    assert [profile["name"] for profile in told["profiles"]] == ["gw0 MainThread", "gw0 loader", "gw1 MainThread"]
    assert told["shared"]["frames"] == [{"name": "torch"}, {"name": "app"}]
    assert told["profiles"][1]["events"] == [
        {"type": "O", "frame": 0, "at": 2},
        {"type": "C", "frame": 0, "at": 5},
    ]
    assert (told["profiles"][1]["startValue"], told["profiles"][1]["endValue"]) == (2, 5)
