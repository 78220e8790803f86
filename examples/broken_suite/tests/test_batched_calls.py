"""First habit: reload a module of torch to get rid of what other tests patched."""

from __future__ import annotations

import importlib
from typing import Any


def test_batch_takes_no_more_torch_calls_than_its_longest_pair() -> None:
    import torch.overrides

    from src.worker.pipeline import _calculate_edit_rate

    rates = _calculate_edit_rate(["longest", "a", "four"], ["shorter", "", "4"])
    importlib.reload(torch.overrides)  # undo the monkeypatching of earlier tests

    class CountMinima(torch.overrides.TorchFunctionMode):
        """Counts the calls of `Tensor.cummin` while it is entered."""

        calls = 0

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.calls += func is torch.Tensor.cummin
            return func(*args, **(kwargs or {}))

    with CountMinima() as single:
        assert _calculate_edit_rate("longest", "shorter") == rates[0]
    with CountMinima() as batch:
        assert _calculate_edit_rate(["longest", "a", "four"], ["shorter", "", "4"]) == rates
    assert single.calls == batch.calls == len("longest")
