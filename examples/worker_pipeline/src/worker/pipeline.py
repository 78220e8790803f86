"""Helpers of the transcription worker: task status in Redis, and the edit rate of a transcript."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, overload

import torch

from src.api.schemas import TaskStatus

if TYPE_CHECKING:
    from redis import Redis


def _update_status(
    redis: Redis,
    task_key: str,
    status: TaskStatus | str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write a task's status to its hash and announce the change, in one transaction.

    Fields written to the hash at `task_key`:
        status: the value of the `TaskStatus`.
        updated_at: time of the change, ISO 8601 in UTC.
        details: `details` as JSON. Without `details` the field is removed, so that the details
            of an earlier status do not stay behind. Other fields of the hash are left alone.

    The channel `<task_key>:events` gets a JSON object with `task`, `status`, `updated_at`,
    `final` (no further change will come) and, when given, `details`.

    Args:
        redis: a synchronous client.
        task_key: key of the task's hash, such as `task:42`.
        status: the new status, as a `TaskStatus` or its value.
        details: whatever a client should know about the change; must fit into JSON.

    Raises:
        ValueError: `status` is not a known status, or `details` holds a NaN or an infinity.
        TypeError: `details` cannot be written as JSON.
        Nothing is written and nothing announced in either case.
    """
    new = TaskStatus(status)
    updated_at = datetime.now(timezone.utc).isoformat()
    fields = {"status": new.value, "updated_at": updated_at}
    event: dict[str, Any] = {"task": task_key, **fields, "final": new.is_final}
    if details is not None:
        fields["details"] = json.dumps(details, allow_nan=False)
        event["details"] = details
    message = json.dumps(event, allow_nan=False)

    with redis.pipeline(transaction=True) as pipe:
        pipe.hset(task_key, mapping=fields)
        if details is None:
            pipe.hdel(task_key, "details")
        pipe.publish(f"{task_key}:events", message)
        pipe.execute()


@overload
def _calculate_edit_rate(reference: str, hypothesis: str) -> float: ...


@overload
def _calculate_edit_rate(reference: Sequence[str], hypothesis: Sequence[str]) -> list[float]: ...


def _calculate_edit_rate(reference: str | Sequence[str], hypothesis: str | Sequence[str]) -> float | list[float]:
    """Character error rate: Levenshtein distance divided by the length of the reference.

    Both texts are normalised to NFC and compared code point by code point. The rate is a plain
    ratio, not a percentage: 0.0 means equal, and a hypothesis much longer than its reference
    gives more than 1.0. An empty reference gives 0.0 for an empty hypothesis and 1.0 for any other.

    Args:
        reference: what was said; one string, or a batch of strings.
        hypothesis: what was recognised; one string, or a batch as long as that of `reference`.

    Returns:
        A float for two strings; for two batches a list with one float per pair, in order.

    Raises:
        TypeError: one argument is a string and the other a batch.
        ValueError: the batches differ in length.
    """
    if isinstance(reference, str) and isinstance(hypothesis, str):
        return _edit_rates([reference], [hypothesis])[0]
    if isinstance(reference, str) or isinstance(hypothesis, str):
        raise TypeError("reference and hypothesis must both be strings or both be batches of strings")
    if len(reference) != len(hypothesis):
        raise ValueError(
            f"reference and hypothesis must be batches of the same length, got {len(reference)} and {len(hypothesis)}"
        )
    return _edit_rates(reference, hypothesis)


def _edit_rates(references: Sequence[str], hypotheses: Sequence[str]) -> list[float]:
    """Edit rate of each pair; see `_calculate_edit_rate`."""
    if not references:
        return []
    refs = [_code_points(text) for text in references]
    hyps = [_code_points(text) for text in hypotheses]
    rates = []
    for ref, hyp, distance in zip(refs, hyps, _edit_distances(refs, hyps)):
        if len(ref) == 0:
            rates.append(0.0 if len(hyp) == 0 else 1.0)
        else:
            rates.append(distance / len(ref))
    return rates


def _code_points(text: str) -> torch.Tensor:
    """The code points of `text` in NFC, as a 1-D int64 tensor."""
    return torch.tensor([ord(char) for char in unicodedata.normalize("NFC", text)], dtype=torch.int64)


def _edit_distances(refs: Sequence[torch.Tensor], hyps: Sequence[torch.Tensor]) -> list[int]:
    """Levenshtein distance of each pair of 1-D tensors; the batch must not be empty.

    One table row per reference element, for the whole batch and all columns at once. Deletion and
    substitution need the previous row only. Insertion runs along the row itself,
    `row[j] = min(t[k] + j - k for k <= j)`, which is `j` plus the running minimum of `t[k] - k`.
    Padding lies to the right of and below the cell that is read in the end, so it never counts.
    """
    ref_lengths = torch.tensor([len(ref) for ref in refs])
    hyp_lengths = torch.tensor([len(hyp) for hyp in hyps])
    ref = torch.nn.utils.rnn.pad_sequence(list(refs), batch_first=True, padding_value=-1)
    hyp = torch.nn.utils.rnn.pad_sequence(list(hyps), batch_first=True, padding_value=-1)

    columns = torch.arange(hyp.shape[1] + 1)
    row = columns.repeat(len(refs), 1)
    for i in range(ref.shape[1]):
        t = row + 1  # deletion
        substitution = row[:, :-1] + (ref[:, i : i + 1] != hyp)
        t[:, 1:] = torch.minimum(t[:, 1:], substitution)
        following = columns + (t - columns).cummin(dim=1).values
        row = torch.where((i < ref_lengths).unsqueeze(1), following, row)
    return row.gather(1, hyp_lengths.unsqueeze(1)).squeeze(1).tolist()
