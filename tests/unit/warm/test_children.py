"""What a warm process says of itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pytest_heavyimports.facts import distributions
from pytest_heavyimports.warm import children

if TYPE_CHECKING:
    from pytest_heavyimports.facts.distributions import Distribution


def test_versions_of_what_is_installed() -> None:
    """In order; what belongs to no distribution is left out."""
    assert children.versions({"pytest", "pluggy", "nothing_of_that_name"}, lambda: None).split(b"\0") == [
        b"pluggy " + distributions.find_provider("pluggy").version.encode(),
        f"pytest {pytest.__version__}".encode(),
    ]


def test_who_asks_for_them_hears_that_it_takes_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a busy machine makes the process look like one that is stopped."""
    find = distributions.find_provider

    def slowly(name: str) -> Distribution | None:
        time.sleep(0.5)
        return find(name)

    monkeypatch.setattr(distributions, "find_provider", slowly)
    monkeypatch.setattr(children, "BUSY_S", 0.05)
    calls: list[int] = []
    assert children.versions({"pytest"}, lambda: calls.append(1)).startswith(b"pytest ")
    assert len(calls) > 2
