"""The fixture cuda_device, with a stand-in for torch; tests with a device are in tests/cuda."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..suite import Suite

FAKE_TORCH = """
from types import SimpleNamespace

__version__ = "2.13.0"
version = SimpleNamespace(cuda={cuda!r}, hip=None)


def device(*args):
    return ("device", *args)


class cuda:
    @staticmethod
    def is_available():
        return {available!r}

    @staticmethod
    def init():
        raise AssertionError("CUDA was initialised")

    current_device = device_count = set_device = get_device_properties = init
"""
TESTS = "def test_it(cuda_device):\n    assert cuda_device == ('device', 'cuda', 0)\n"


@pytest.mark.parametrize(
    ("cuda", "visible", "reason"),
    [
        (None, None, "no CUDA device: torch 2.13.0 is built without CUDA"),
        ("12.6", "", "no CUDA device: CUDA_VISIBLE_DEVICES is ''"),
        ("12.6", "-1", "no CUDA device: CUDA_VISIBLE_DEVICES is '-1'"),
        ("12.6", None, "no CUDA device: torch 2.13.0 finds no usable driver or device"),
    ],
)
def test_without_a_device_the_test_is_skipped(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, cuda: str | None, visible: str | None, reason: str
) -> None:
    """The reason says what is missing: a build with CUDA, a visible device or a driver."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    suite.write("torch.py", FAKE_TORCH.format(cuda=cuda, available=False))
    suite.tests(TESTS)
    result = suite.run("-rs", **({} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}))
    result.assert_outcomes(skipped=1)
    assert any(line.endswith(reason) for line in result.outlines), result.stdout.str()


def test_with_a_device_it_is_given(suite: Suite) -> None:
    """The first device is given, and nothing but its availability is asked for."""
    suite.write("torch.py", FAKE_TORCH.format(cuda="12.6", available=True))
    suite.tests(TESTS)
    suite.run().assert_outcomes(passed=1)


def test_without_torch_the_test_is_skipped(suite: Suite) -> None:
    """Where torch is not installed, that is the reason."""
    suite.write("conftest.py", "import sys\n\nsys.modules['torch'] = None\n")
    suite.tests(TESTS)
    result = suite.run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *could not import 'torch': *"])


def test_other_tests_dont_import_torch(suite: Suite) -> None:
    """A suite that doesn't ask for the device doesn't import torch."""
    suite.tests("import sys\n\ndef test_it():\n    assert 'torch' not in sys.modules\n")
    suite.run().assert_outcomes(passed=1)
