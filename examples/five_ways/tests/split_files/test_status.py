"""The tests of the worker's status in Redis: nothing in them computes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from src.api.schemas import TaskStatus
from src.worker.pipeline import _update_status

TASK = "task:42"
EVENTS = "task:42:events"


def subscribe(client: Any, channel: str) -> Any:
    """A subscription to `channel` that the server has confirmed."""
    pubsub = client.pubsub()
    pubsub.subscribe(channel)
    assert pubsub.get_message(timeout=5)["type"] == "subscribe"
    return pubsub


def next_data(pubsub: Any) -> str:
    """The data of the next message."""
    message = pubsub.get_message(timeout=5)
    assert message is not None, "no message came"
    return message["data"]


def test_status_is_written_to_the_task_hash(mock_redis_sync: Any) -> None:
    _update_status(mock_redis_sync, TASK, TaskStatus.PROCESSING_ASR)
    stored = mock_redis_sync.hgetall(TASK)
    assert stored.keys() == {"status", "updated_at"}
    assert stored["status"] == "processing_asr"


def test_status_may_be_given_by_its_value(mock_redis_sync: Any) -> None:
    _update_status(mock_redis_sync, TASK, "processing_alignment")
    assert mock_redis_sync.hget(TASK, "status") == "processing_alignment"


def test_updated_at_is_the_current_time_in_utc(mock_redis_sync: Any) -> None:
    before = datetime.now(timezone.utc)
    _update_status(mock_redis_sync, TASK, TaskStatus.PENDING)
    after = datetime.now(timezone.utc)
    stored = datetime.fromisoformat(mock_redis_sync.hget(TASK, "updated_at"))
    assert stored.utcoffset() == timedelta(0)
    assert before <= stored <= after


def test_details_are_stored_as_json(mock_redis_sync: Any) -> None:
    details = {"language": "th", "text": "\u0e01\u0e34\u0e19", "segments": [1, 2.5, None]}
    _update_status(mock_redis_sync, TASK, TaskStatus.COMPLETED, details)
    assert json.loads(mock_redis_sync.hget(TASK, "details")) == details


def test_new_status_replaces_the_old_one_and_its_details(mock_redis_sync: Any) -> None:
    mock_redis_sync.hset(TASK, "filename", "call.wav")
    _update_status(mock_redis_sync, TASK, TaskStatus.PROCESSING_ASR, {"progress": 0.4})
    _update_status(mock_redis_sync, TASK, TaskStatus.PROCESSING_ALIGNMENT)
    stored = mock_redis_sync.hgetall(TASK)
    assert stored.keys() == {"filename", "status", "updated_at"}
    assert stored["status"] == "processing_alignment"
    assert stored["filename"] == "call.wav"


def test_change_is_announced_on_the_channel_of_the_task(mock_redis_sync: Any) -> None:
    pubsub = subscribe(mock_redis_sync, EVENTS)
    _update_status(mock_redis_sync, TASK, TaskStatus.FAILED, {"error": "no audio"})
    assert json.loads(next_data(pubsub)) == {
        "task": TASK,
        "status": "failed",
        "updated_at": mock_redis_sync.hget(TASK, "updated_at"),
        "final": True,
        "details": {"error": "no audio"},
    }
    pubsub.close()


def test_other_tasks_are_left_alone(mock_redis_sync: Any) -> None:
    _update_status(mock_redis_sync, TASK, TaskStatus.PENDING)
    before = mock_redis_sync.hgetall(TASK)
    pubsub = subscribe(mock_redis_sync, EVENTS)
    _update_status(mock_redis_sync, "task:4", TaskStatus.COMPLETED)
    mock_redis_sync.publish(EVENTS, "end")
    assert next_data(pubsub) == "end"
    assert mock_redis_sync.hgetall(TASK) == before
    pubsub.close()


def test_unknown_status_is_refused_before_anything_is_written(mock_redis_sync: Any) -> None:
    pubsub = subscribe(mock_redis_sync, EVENTS)
    with pytest.raises(ValueError, match="'done' is not a valid TaskStatus"):
        _update_status(mock_redis_sync, TASK, "done")
    mock_redis_sync.publish(EVENTS, "end")
    assert next_data(pubsub) == "end"
    assert not mock_redis_sync.exists(TASK)
    pubsub.close()
