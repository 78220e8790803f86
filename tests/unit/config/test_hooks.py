"""What pytest gets to see of a plugin of ours."""

from __future__ import annotations

from pytest_heavyimports.config.hooks import Hooks


class Some(Hooks):
    value = 1

    def pytest_configure(self) -> None:
        """A hook."""

    def helper(self) -> None:
        """None."""


def test_hooks_alone_are_seen() -> None:
    """Neither what each object has, nor other methods."""
    assert dir(Some()) == ["pytest_configure"]
    assert Some().value == 1
