"""Redis for the tests, in memory: the same fixture as in ../broken_suite."""

from broken_suite.conftest import mock_redis_sync

__all__ = ["mock_redis_sync"]
