"""Redis for the tests, in memory."""

from __future__ import annotations

from collections.abc import Iterator

import fakeredis
import pytest


@pytest.fixture
def mock_redis_sync() -> Iterator[fakeredis.FakeRedis]:
    """A synchronous client of an empty database; replies are decoded to str."""
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True) as client:
        yield client
