"""What one session knows of CUDA: the devices of the machine, those that it was dealt, those that a test may use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from .asking import ask_torch
from .build import Build, torch_build
from .dealing import DEALT, Worker, share_of
from .devices import ORDER, VISIBLE, Device, Facts, named_devices, seen_devices
from .nvml import read_facts
from .reasons import has_room, is_capable, too_old_a_driver, unmet

if TYPE_CHECKING:
    from ..config.needs import Needs


class CudaSession:
    """Answers from facts that are asked for once, when a test first needs them, and never from CUDA in this process."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        read: Callable[[], Facts] = read_facts,
        build: Callable[[], Build | None] = torch_build,
        ask: Callable[..., Facts] = ask_torch,
    ) -> None:
        """
        Args:
            environ: The environment, as it is before the devices are dealt.
            read: Tells of the devices of this machine.
            build: Tells how torch was built.
            ask: Tells of the devices that torch sees, where *read* can't.
        """
        self._visible = environ.get(VISIBLE)
        self._has_order = ORDER in environ
        self._read = read
        self._read_build = build
        self._ask = ask
        self._worker: Worker | None = None

    @cached_property
    def facts(self) -> Facts:
        """The devices of this machine."""
        return self._read()

    @cached_property
    def named(self) -> dict[str, Device]:
        """Those that the user lets the whole run use, each by its entry for ``CUDA_VISIBLE_DEVICES``."""
        return named_devices(self.facts.devices, self._visible)

    def deal(self, worker: Worker) -> dict[str, str]:
        """Take the share of *worker*; gives the variables that let CUDA see no more than that."""
        if not self.named:
            return {}
        self._worker = worker
        return {VISIBLE: ",".join(self._share), DEALT: worker.run} | self.order()

    def order(self) -> dict[str, str]:
        """The variable without which CUDA counts devices of different kinds in an order that it alone knows."""
        kinds = {device.name for device in self.facts.devices}
        return {ORDER: "PCI_BUS_ID"} if len(kinds) > 1 and not self._has_order else {}

    def unmet(self, needs: Needs, *, any_will_do: bool) -> str:
        """
        Why a test can't run here; empty where it can.

        Args:
            needs: The test's.
            any_will_do: Whether it asks which device it may use, and not just takes the first ones.
        """
        if self.seen.fault:
            return f"no CUDA device: {self.seen.fault}"
        devices = list(enumerate(self.seen.devices))
        offered = devices if any_will_do else devices[: needs.devices]
        return unmet(needs, offered, explained=self._explained())

    def number_for(self, needs: Needs) -> int:
        """The number, as CUDA counts in this process, of the first device that meets the needs, which one does."""
        devices = enumerate(self.seen.devices)
        return next(number for number, device in devices if is_capable(device, needs) and has_room(device, needs))

    @cached_property
    def seen(self) -> Facts:
        """The devices that CUDA shows this process, in its order."""
        build = self._read_build()
        if build and not build.is_for_cuda:
            return Facts(fault=f"torch {build.version} is built without CUDA")
        if self._visible is not None and not re.match(r"\s*(\+?\d|GPU-|MIG-)", self._visible):
            return Facts(fault=f"{VISIBLE} is {self._visible!r}")
        if self.facts.fault:
            return self._ask(build, otherwise=self.facts.fault) if build else self.facts
        devices = seen_devices([self.named[entry] for entry in self._share])
        fault = too_old_a_driver(build, self.facts)
        if not devices:
            fault = f"{VISIBLE} is {self._visible!r}, and none of the {len(self.facts.devices)} devices here is that"
        return Facts(tuple(devices), fault)

    @property
    def _share(self) -> list[str]:
        entries = list(self.named)
        return share_of(entries, self._worker.number, self._worker.total) if self._worker else entries

    def _explained(self) -> str:
        seen, share = len(self.seen.devices), len(self._share)
        if seen < share:
            return f"CUDA shows a process one MIG instance, of {share} here"
        if self._worker:
            return f"worker {self._worker.name} of pytest-xdist was dealt {seen} of {len(self.named)}"
        visible = "" if self._visible is None else f" ({VISIBLE} is {self._visible!r})"
        return f"there {'is' if seen == 1 else 'are'} {seen}{visible}"
