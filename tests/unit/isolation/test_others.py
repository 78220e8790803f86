"""What is needed of other plugins."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_heavyimports.isolation.others import missing

CONFIG = SimpleNamespace(_session=SimpleNamespace(results=[]))


@pytest.mark.parametrize(
    ("needed", "lacking"),
    [
        ((), ""),
        (("json:dumps", "json.decoder:JSONDecoder.decode", "config:_session.results"), ""),
        (("json:dumps", "json:dump_all"), "json:dump_all"),
        (("json.absent:dumps",), "json.absent:dumps"),
        (("config:_session.tests",), "config:_session.tests"),
    ],
)
def test_the_first_that_is_not_there_is_named(needed: tuple[str, ...], lacking: str) -> None:
    """In a module, or among what a plugin has put into pytest's config."""
    assert missing(needed, CONFIG) == lacking
