"""States of a transcription task."""

from __future__ import annotations

from enum import Enum


class TaskStatus(str, Enum):
    """State of one task. The value is the text kept in Redis and sent to clients."""

    PENDING = "pending"
    PROCESSING_ASR = "processing_asr"
    PROCESSING_ALIGNMENT = "processing_alignment"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """True when the worker will not change this state any more."""
        return self in (TaskStatus.COMPLETED, TaskStatus.FAILED)
