"""What of torch belongs to the whole process, and a test may leave changed: flags, and the seeds."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

FLAGS = (
    "backends.cudnn.enabled backends.cudnn.benchmark backends.cudnn.benchmark_limit backends.cudnn.deterministic "
    "backends.cudnn.allow_tf32 backends.cudnn.conv.fp32_precision backends.cudnn.rnn.fp32_precision "
    "backends.cuda.matmul.allow_tf32 backends.cuda.matmul.fp32_precision backends.cuda.matmul.allow_fp16_accumulation "
    "backends.cuda.matmul.allow_fp16_reduced_precision_reduction "
    "backends.cuda.matmul.allow_bf16_reduced_precision_reduction "
    "backends.cuda.flash_sdp_enabled backends.cuda.mem_efficient_sdp_enabled backends.cuda.math_sdp_enabled "
    "backends.cuda.cudnn_sdp_enabled backends.cuda.fp16_bf16_reduction_math_sdp_allowed "
    "backends.cuda.preferred_linalg_library backends.fp32_precision "
    "backends.mkldnn.enabled backends.mkldnn.deterministic backends.opt_einsum.enabled backends.opt_einsum.strategy "
    "get_default_dtype get_float32_matmul_precision is_grad_enabled "
    "are_deterministic_algorithms_enabled is_deterministic_algorithms_warn_only_enabled"
).split()
"""Attributes of torch, or functions that give the value. None of them asks a device."""


class ChangedState(NamedTuple):
    """What a test has left different."""

    name: str
    before: str
    after: str


class TorchState:
    """The flags and seeds at one moment."""

    def __init__(self, torch: Any) -> None:
        self._values = {f"torch.{name}": read for name in FLAGS if (read := _read(torch, name)) is not None}
        self._values["torch.initial_seed"] = torch.initial_seed()
        # Those of the devices are there, and follow torch.manual_seed, from when CUDA is initialised on.
        if torch.cuda.is_initialized():
            for number, generator in enumerate(torch.cuda.default_generators):
                self._values[f"torch.cuda.default_generators[{number}].initial_seed"] = generator.initial_seed()

    def changes(self, after: TorchState) -> list[ChangedState]:
        """What is different now, of that which could be read both times."""
        return [
            ChangedState(name, str(value), str(after._values[name]))
            for name, value in self._values.items()
            if name in after._values and after._values[name] != value
        ]


def _read(torch: Any, name: str) -> Any:
    """The value; ``None`` where this torch has no such flag, or refuses to tell it."""
    try:
        value = operator.attrgetter(name)(torch)
        return value() if callable(value) else value
    except (AttributeError, RuntimeError):  # the latter where two generations of flags were mixed
        return None
