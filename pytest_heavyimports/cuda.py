"""CUDA devices: which one a test may use, or why none."""

from __future__ import annotations

import os
from typing import Any


def first_device(torch: Any) -> tuple[Any, str]:
    """
    The first CUDA device, asked for without initialising CUDA in this process.

    Args:
        torch: The module.

    Returns:
        ``(torch.device("cuda", 0), "")``, or ``(None, reason)`` where there is none.

    Reference: ``torch.cuda.is_available`` and ``torch.version.cuda`` in torch's documentation.
    """
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return None, f"no CUDA device: torch {torch.__version__} is built without CUDA"
    if torch.cuda.is_available():
        return torch.device("cuda", 0), ""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return None, f"no CUDA device: CUDA_VISIBLE_DEVICES is {visible!r}"
    return None, f"no CUDA device: torch {torch.__version__} finds no usable driver or device"
