"""The tests of ../worker_pipeline with their imports at the top, where `heavyimports fix --write` has moved them."""

from __future__ import annotations

import json
import random
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import torch

from src.api.schemas import TaskStatus
from src.worker.pipeline import _calculate_edit_rate, _update_status

TASK = "task:42"
EVENTS = "task:42:events"

# ASCII, Latin with accents, a combining accent, Thai, Han, and one character outside the BMP.
ALPHABET = "ab\u00e9e\u0301\u0e01\u0e34\u8a9e\U0001f600"


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


def plain_edit_rate(reference: str, hypothesis: str) -> float:
    """The textbook Levenshtein distance over the reference length, without torch."""
    ref, hyp = unicodedata.normalize("NFC", reference), unicodedata.normalize("NFC", hypothesis)
    if not ref:
        return 1.0 if hyp else 0.0
    row = list(range(len(hyp) + 1))
    for i, r in enumerate(ref, start=1):
        above, row = row, [i]
        for j, h in enumerate(hyp, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (r != h)))
    return row[-1] / len(ref)


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


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        pytest.param("kitten", "sitting", 0.5, id="three-edits-of-six"),
        pytest.param("a", "abcd", 3.0, id="more-insertions-than-characters"),
        pytest.param("", "", 0.0, id="both-empty"),
        pytest.param("", "word", 1.0, id="empty-reference"),
    ],
)
def test_edit_rate_of_known_pairs(reference: str, hypothesis: str, expected: float) -> None:
    rate = _calculate_edit_rate(reference, hypothesis)
    assert type(rate) is float
    assert rate == expected


def test_composed_and_combining_characters_are_equal() -> None:
    assert _calculate_edit_rate("caf\u00e9", "cafe\u0301") == 0.0
    assert _calculate_edit_rate("cafe\u0301", "cafe") == 0.25  # four characters after NFC, not five


def test_random_unicode_batch_agrees_with_plain_python() -> None:
    generator = random.Random(7)
    texts = ["".join(generator.choices(ALPHABET, k=generator.randrange(13))) for _ in range(300)]
    references, hypotheses = texts[:150], texts[150:]
    expected = [plain_edit_rate(ref, hyp) for ref, hyp in zip(references, hypotheses)]
    assert _calculate_edit_rate(references, hypotheses) == expected


def test_batch_gives_what_its_pairs_give_one_by_one() -> None:
    references = ["speech", "", "a", "to be or not to be", "", "gone"]
    hypotheses = ["peach", "", "a much longer text", "two bee", "noise", ""]
    singles = [_calculate_edit_rate(ref, hyp) for ref, hyp in zip(references, hypotheses)]
    assert _calculate_edit_rate(references, hypotheses) == singles
    assert singles[0] == 2 / 6 and singles[-1] == 1.0


def test_batches_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="same length, got 2 and 1"):
        _calculate_edit_rate(["one", "two"], ["one"])


def test_long_text_is_exact_whatever_the_default_dtype() -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)  # holds no odd integer above 256
    try:
        rate = _calculate_edit_rate("a" * 259, "b" * 259 + "c" * 2)
    finally:
        torch.set_default_dtype(before)
    assert rate == 261 / 259
