"""
Imports that are tried by a child of a warm process before the process does them: harm is done to the child alone.

The child imports what it is given, in order, up to the first module that does harm. It tells ``begun`` before each, and
at the end ``done``, ``harm``, or ``half`` where the module may not have been whole.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ..errors import HarmfulImport
from ..process.forking import end_with_parent
from .wire import ChildReport, Message, tell

if TYPE_CHECKING:
    from .learning import Learnt
    from .preload import Preload


class Result(NamedTuple):
    """What has come of a trial."""

    harmless: Sequence[Learnt]
    harmful: str
    """The module that did harm; empty if none did."""
    fault: str
    """What it did, as a part of a sentence."""
    untried: Sequence[Learnt]
    """What was to come after it."""
    is_certain: bool = True
    """Whether it was whole: not where what is installed has changed meanwhile."""


class Trial:
    """In the warm process."""

    def __init__(self, process: int, report: int, modules: Sequence[Learnt]) -> None:
        """
        Args:
            process: The child's number.
            report: Where it tells.
            modules: What it imports, in order.
        """
        self._process = process
        self._report = ChildReport(report)
        self._modules = modules
        self._messages: list[Message] = []

    def has_ended(self) -> bool:
        """Whether it has ended; asked when a child has."""
        self._messages += self._report.read()[0]
        with suppress(ChildProcessError):
            if os.waitpid(self._process, os.WNOHANG)[0] == 0:
                return False
        self._messages += self._report.read()[0]
        self.let_go()
        return True

    def result(self) -> Result:
        """What has come of it, when it has ended."""
        told = self._messages[-1] if self._messages else Message("begun")
        if told.kind == "done":
            return Result(self._modules, "", "", ())
        harmful = told.text("name")
        fault = told.text("fault") or "its import ended the warm process"
        names = [module.fullname for module in self._modules]
        # One that isn't among them is loaded by another: nothing is known of the others.
        place = names.index(harmful) if harmful in names else 0
        return Result(
            self._modules[:place], harmful, fault, self._modules[place + (harmful in names) :], told.kind != "half"
        )

    def let_go(self) -> None:
        """Hear no more of it; also in another child, where it is not its own."""
        os.close(self._report.pipe)

    def end(self) -> None:
        """It is not needed."""
        self.let_go()
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


class Trying:
    """In the child."""

    def __init__(self, modules: Sequence[Learnt], report: int, preload: Preload) -> None:
        """
        Args:
            modules: What it imports, in order.
            report: Where it tells.
            preload: What is imported already.
        """
        self._modules = modules
        self._report = report
        self._preload = preload

    def carry_out(self) -> NoReturn:
        """Try the imports, and end."""
        try:
            end_with_parent()
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            self._preload.only_try(lambda name: self._tell("begun", name))
            try:
                self._preload.load(self._modules)
            except HarmfulImport as harm:
                is_certain = self._preload.is_left_out(harm.fullname)
                self._tell("harm" if is_certain else "half", harm.fullname, harm.fault)
            else:
                self._tell("done")
        finally:
            os._exit(0)  # whatever there was to say has been said, or nobody listens

    def _tell(self, kind: str, name: str = "", fault: str = "") -> None:
        tell(self._report, Message(kind, name=name, fault=fault))
