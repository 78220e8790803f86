"""What our marks may say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_heavyimports.config.marks import check_marks

mark = pytest.mark


def faults(*marks: pytest.MarkDecorator) -> list[str]:
    """What is said of the marks of a test."""
    item: Any = SimpleNamespace(nodeid="test_it.py::test_it")
    try:
        check_marks((item, each.mark) for each in marks)
    except pytest.UsageError as error:
        return [text.removeprefix("test_it.py::test_it: the mark ") for text in error.args]
    return []


@pytest.mark.parametrize(
    "good",
    [
        mark.heavy_guard("off"),
        mark.heavy,
        mark.heavy("torch", "torch.nn"),
        mark.heavy_stub("torch", "cv2"),
        mark.heavy_isolated,
        mark.heavy_isolated(method="spawn", group="one"),
        mark.cuda,
        mark.cuda(devices=2, memory="4GiB", capability=(8, 0)),
    ],
)
def test_what_can_be_read(good: pytest.MarkDecorator) -> None:
    """Nothing is said of it."""
    assert faults(good) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (
            mark.heavy_guard,
            "heavy_guard takes 'off' alone, not nothing. Write it as @pytest.mark.heavy_guard(\"off\").",
        ),
        (
            mark.heavy_guard("on", 1),
            "heavy_guard takes 'off' alone, not 'on', 1. Write it as @pytest.mark.heavy_guard(\"off\").",
        ),
        (
            mark.heavy("to-rch"),
            "heavy takes names of modules, not 'to-rch'. Write it as @pytest.mark.heavy(\"torch\").",
        ),
        (mark.heavy(3), 'heavy takes names of modules, not 3. Write it as @pytest.mark.heavy("torch").'),
        (mark.heavy_stub, 'heavy_stub takes names of modules. Write it as @pytest.mark.heavy_stub("torch").'),
        (mark.heavy_stub("json"), 'heavy_stub takes names of modules. Write it as @pytest.mark.heavy_stub("torch").'),
        (
            mark.heavy_stub("torch", a="b"),
            'heavy_stub takes names of modules. Write it as @pytest.mark.heavy_stub("torch").',
        ),
        (
            mark.cuda(devices=0),
            "cuda takes a number of devices, not 0. Write it as "
            '@pytest.mark.cuda(devices=2, memory="4GiB", capability=(8, 0)).',
        ),
        (
            mark.heavy_isolated("fork"),
            "heavy_isolated takes method= and group= alone. Write it as @pytest.mark.heavy_isolated.",
        ),
        (mark.heavy_isolated(method="x"), "heavy_isolated takes 'fork' or 'spawn' as its method, not 'x'."),
        (mark.heavy_isolated(group=1), "heavy_isolated takes a name as its group, not 1."),
    ],
)
def test_what_can_not_be_read(wrong: pytest.MarkDecorator, fault: str) -> None:
    """A sentence says what to write."""
    assert faults(wrong) == [fault]


def test_all_faults_are_told_once() -> None:
    """Of all tests."""
    assert len(faults(mark.heavy(1), mark.heavy_guard, mark.heavy(1))) == 2
