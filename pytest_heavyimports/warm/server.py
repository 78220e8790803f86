"""
The warm process: imports what is heavy, computes nothing, and forks a child for each run.

It has one thread, which waits for whatever comes first: a client, what a client says, a child's report, a child's end.

| a client says | and gets |
|---|---|
| ``hello`` | the same |
| ``run``, ``worker``, with its files: its whole situation, see ``client.situation`` | ``started`` and, in the end, ``ended`` with the status of ``waitpid``; or ``stale``: ask another process; or ``unfit``: run plainly |
| ``suits``, with its environment and what it has declared: whether its workers can be forked here | ``suits``, or ``stale`` |
| ``readers`` | the same, with its process and who has read the environment as a whole |
| ``status`` | ``facts``; ``busy`` each second until there are any |
| ``stop`` | ``stopping``; where no run is under way the process ends then, and the connection with it |

A run is *asked* for, *accepted* when a child of this process has its request, *started* when that child has told the
client so, and *ended*. The child tells ``started`` itself, as the last thing before it begins, and only if the client is
still there: so a run that has not been told has not begun, whatever becomes of this process. A client that hangs up ends
its run. A run tells its own end, before the kernel takes it apart, where it can.

What a run has imported is first tried by a child, which ends after it: an import that does harm does it there. A process
that was started for one run imports at once what that has declared, and ends with it. One child waits for the next run,
see ``spare.py``.
"""  # noqa: E501  # a table

from __future__ import annotations

import errno
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from json import loads  # now: packages replace them
from pathlib import Path
from typing import Any, Union

from ..errors import HarmfulImport, MessageRefused
from ..facts.names import root
from .backlog import Backlog
from .children import BUSY_S, fork, versions
from .connection import peer_user
from .key import cache_directory, identity, name_of, project, project_of
from .learning import Store
from .memory import is_memory_short, memory_of
from .preload import Preload
from .run import Request, Run, environment_of
from .siblings import end_least_used, note_use
from .spare import Spare, Waiting
from .trial import Trial, Trying
from .wire import LIMIT_FDS, ChildReport, Decoder, Message, join

IDLE_S = 1800.0
"""Until it ends by itself where nobody asks for anything, unless the ini key says otherwise."""
HESITATION_S = 10.0
"""How long a client may take to say what it wants."""
LOOK_S = 60.0
"""How often it looks, while it waits, whether the machine has room for it."""
MOST_CLIENTS = 256
MOST_LOST = 10
"""So many spare children that end by themselves, and there are no more."""
ENDING = "the warm process was about to end"

Child = Union[Run, Waiting, Trying]  # noqa: UP007  # at run time, 3.10 has no | for these
"""What a child of a fork is to do."""


class Client:
    """Somebody at the other end of a connection."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self.decoder = Decoder()
        self.files: list[int] = []
        self.since = time.monotonic()
        self.process = 0
        """That of its run, once that has been accepted; 0 where there is none."""
        self.wants_facts = False

    def send(self, message: Message) -> None:
        """Send a message, unless the client has hung up. It gets few, and short ones: they never fill the socket."""
        with suppress(OSError):
            self.peer.send(message.encode())

    def close(self) -> None:
        """Hang up."""
        self.drop_files()
        self.peer.close()

    def drop_files(self) -> None:
        """Close the files that came with a message."""
        for file in self.files:
            os.close(file)
        self.files = []


class Accepted:
    """A run that a child has: it is under way until the child has ended."""

    def __init__(self, client: Client, report: int) -> None:
        self.client: Client | None = client
        """``None`` when it has been told the end."""
        self.report = ChildReport(report)
        self.unfit: Message | None = None
        """Why it can't be done here, as the child has said."""


class IsChild(BaseException):
    """Raised in the child of a fork, to leave whatever the warm process was at."""

    def __init__(self, child: Child) -> None:
        super().__init__(child)
        self.child = child
        """What it is to do."""


class Warm:
    """The process."""

    def __init__(
        self, listener: socket.socket, lock: int, directory: int, name: str, *, owner: int, log: int, hook: Any
    ) -> None:
        self._listener = listener
        self._lock = lock
        self._directory = directory
        self._name = name
        self._owner = owner
        store = Store(Path(cache_directory(), f"{project_of(name)}.modules"), project(os.getcwd()))
        self.preload = Preload(store, log, hook, is_for_one_run=owner >= 0)
        self._backlog = Backlog(self.preload, is_trying=owner < 0)
        self._trial: Trial | None = None
        self._clients: dict[int, Client] = {}
        """By the number of the connection."""
        self._runs: dict[int, Accepted] = {}
        """By the process that does it."""
        self._selector = selectors.DefaultSelector()
        self._idle_s = IDLE_S
        self._since = time.monotonic()
        self._began = self._since
        self._served = 0
        self._is_closing = False
        self._is_left = False
        """Whether the run that it was started for has ended."""
        self._spare: Spare | None = None
        self._spares_lost = 0
        """One after the other."""
        self._is_asked_to_stop = False
        """By a signal, which :meth:`_reap` hears of."""

    def warm_up(self, modules: list[str]) -> bool:
        """Import what each run needs, what has been learnt and these *modules*; whether that did no harm."""
        self._open()
        end_least_used(self._directory, self._name)
        self._load(lambda: self.preload.open(modules))
        return not self._is_closing

    def serve(self) -> Child | None:
        """Serve until it is to end: ``None``. In the child of a fork: what that is to do, a :data:`Child`."""
        try:
            while not (self._is_closing and not self._runs):
                for key, _ in self._selector.select(self._patience()):
                    if self._selector.get_map().get(key.fd) is key:  # not closed by what came before
                        key.data()
                self._look_around()
        except IsChild as forked:
            return forked.child
        return None

    def _open(self) -> None:
        self._wakeup, wake = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(wake, False)
        self._wake = wake
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        # It may have been started under a lower limit than those who come have; each run gets its client's own.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._listener.setblocking(False)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._reap)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        if self._owner >= 0:
            self._selector.register(self._owner, selectors.EVENT_READ, self._be_left)

    def _ask_to_stop(self, *_: object) -> None:
        self._is_asked_to_stop = True

    def _patience(self) -> float:
        """How long to wait for something to happen."""
        if not self._runs and (self._backlog.to_load or (self._backlog.to_try and not self._trial)):
            return 0
        if any(client.wants_facts for client in self._clients.values()):
            return BUSY_S
        hesitant = HESITATION_S if any(not client.process for client in self._clients.values()) else LOOK_S
        if self._runs or self._trial:
            return hesitant
        return max(0.0, min(self._idle_s - (time.monotonic() - self._since), hesitant))

    def _look_around(self) -> None:
        now = time.monotonic()
        self._use_the_time(now)
        for client in list(self._clients.values()):
            if client.wants_facts:
                self._tell_facts(client)
            elif not client.process and now - client.since > HESITATION_S:
                self._dismiss(client)

    def _use_the_time(self, now: float) -> None:
        """Do what is best done while no run is under way."""
        if self._runs:
            self._since = now
            return
        is_waited_for = self._owner >= 0 and not self._is_left
        may_load = not (self._is_closing or (is_memory_short() and not is_waited_for))
        if self._backlog.to_load and may_load:
            modules = self._backlog.take_harmless()
            self._load(lambda: self.preload.load(modules))
        if self._backlog.to_try and not self._trial and may_load:
            self._fork_trial()
            return
        if self._trial:
            self._since = now
        elif self._is_left or now - self._since >= self._idle_s or is_memory_short():
            self._stop_listening()
        elif not (self._spare or self._is_closing or self._owner >= 0) and self._spares_lost < MOST_LOST:
            self._fork_spare()

    def _be_left(self) -> None:
        """End, but not before its workers have; what they had to import is tried then, for the next run."""
        self._is_left = True
        self._forget(self._owner)

    def _load(self, load: Callable[[], None]) -> None:
        """Import something that did no harm before; where it does, another process takes over, which knows."""
        self._end_spare()
        try:
            load()
        except HarmfulImport as harm:
            print(harm, file=sys.stderr, flush=True)
            self._stop_listening(f"{ENDING}: {harm.fullname} can't be preloaded: {harm.fault}")

    # Clients

    def _accept(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._stop_listening("the warm process can't open more files")
            return  # or it has hung up already
        client = Client(peer)
        if peer_user(peer) != os.geteuid() or len(self._clients) >= MOST_CLIENTS:
            client.close()
            return
        peer.setblocking(False)
        self._clients[peer.fileno()] = client
        self._selector.register(peer, selectors.EVENT_READ, lambda: self._hear(client))

    def _hear(self, client: Client) -> None:
        try:
            data, files, flags, _ = socket.recv_fds(client.peer, 65536, LIMIT_FDS)
            client.files += files
            if flags & socket.MSG_CTRUNC:
                self._turn_away(client, "the warm process can't open more files")
                return
            if not data or len(client.files) > LIMIT_FDS:
                self._dismiss(client)
                return
            for message in client.decoder.feed(data):
                self._answer(client, message)
                if client.peer.fileno() < 0:  # dismissed; what else it says is no matter
                    return
        except BlockingIOError:
            pass
        except (MessageRefused, OSError, ValueError, OverflowError):
            self._dismiss(client)

    def _answer(self, client: Client, message: Message) -> None:
        if message.kind in ("run", "worker") and not client.process:
            self._start(client, message)
        elif message.kind == "hello":
            client.send(message)
        elif message.kind == "suits" and not client.process:
            fault = self._fault(environment_of(message))
            client.send(Message("stale" if fault else "suits"))
            if not fault:
                self._since = time.monotonic()
                self._backlog.add_declared(message)
        elif message.kind == "readers":
            client.send(Message("readers", process=os.getpid(), names=join(self.preload.read_as_a_whole)))
        elif message.kind == "status":
            client.since = time.monotonic()
            self._tell_facts(client)
        elif message.kind == "stop":
            running, here = self._under_way(), self.preload.project
            client.send(Message("stopping", process=os.getpid(), running=running, project=here))
            self._stop_listening()
        else:
            self._dismiss(client)

    def _tell_facts(self, client: Client) -> None:
        """Tell what there is, when what is imported in the background is there, unless runs are under way."""
        is_importing = self._trial or self._backlog.to_try or self._backlog.to_load
        client.wants_facts = bool(is_importing and not (self._under_way() or self._is_closing))
        client.send(Message("busy") if client.wants_facts else self._facts(client))
        client.since = time.monotonic()

    def _turn_away(self, client: Client, fault: str, *, is_worker: bool = False) -> None:
        """Have the client ask another one. What is wrong with a worker is its controller's doing, and ends nothing."""
        if not is_worker:
            self._stop_listening()  # first: it will not find this one again
        client.send(Message("unfit" if is_worker else "stale", why=fault))
        self._dismiss(client)

    def _refuse(self, client: Client, why: str) -> None:
        """Have the client run plainly: another process could do no more."""
        client.send(Message("unfit", why=why))
        self._dismiss(client)

    def _dismiss(self, client: Client) -> None:
        """Hang up. A run that is under way ends with it."""
        number = client.peer.fileno()
        if self._clients.pop(number, None) is None:
            return
        self._forget(number)
        client.close()
        if client.process:
            with suppress(OSError):
                os.killpg(client.process, signal.SIGKILL)

    # Runs

    def _start(self, client: Client, message: Message) -> None:
        request = Request(message)
        if len(request.numbers) != len(client.files):
            raise MessageRefused("it has other files than it names")
        is_worker = request.kind == "worker"
        if fault := request.confinement_fault():
            self._refuse(client, fault)
        elif fault := self._fault(request.environment, request.path) or request.limits_fault():
            self._turn_away(client, fault, is_worker=is_worker)
        elif is_worker or not self._use_spare(client, message):
            try:
                process, report = self._fork(lambda report: self._run_of(client, request, report))
            except OSError as error:
                self._refuse(client, f"the warm process can't fork: {error.strerror}")
            else:
                self._follow(client, process, report)

    def _run_of(self, client: Client, request: Request, report: int) -> Run:
        """In the child."""
        peer = os.dup(client.peer.fileno())
        files, client.files = client.files, []
        return Run(request, files, peer, report, self.preload)

    def _use_spare(self, client: Client, request: Message) -> bool:
        """Make the child that waits the run of this client; whether there is one that can be."""
        spare = self._spare
        if not (spare and spare.is_ready):
            return False
        self._forget(spare.peer.fileno())
        self._spare, self._spares_lost = None, 0
        if not spare.hand_over(client.peer.fileno(), request, client.files):
            spare.end()
            return False
        self._follow(client, spare.process, spare.report)
        return True

    def _fault(self, environment: dict[str, str], path: Sequence[str] = ()) -> str:
        if self._is_closing:
            return ENDING
        fault = self.preload.fault(environment, list(path))
        return fault and f"the warm process is out of date: {fault}"

    def _follow(self, client: Client, process: int, report: int) -> None:
        """The run has been accepted: what belongs to it is the child's now, but for its report and its end."""
        with suppress(OSError):
            os.setpgid(process, process)  # as the child does: whoever is first
        client.drop_files()
        client.process = process
        note_use(self._directory, self._name)
        self._served += 1
        run = self._runs[process] = Accepted(client, report)
        self._selector.register(report, selectors.EVENT_READ, lambda: self._listen_to(run))

    def _listen_to(self, run: Accepted) -> None:
        messages, is_over = run.report.read()
        if is_over:
            self._forget(run.report.pipe)
        for message in messages:
            if message.kind == "ended":
                self._tell_end(run, message)
            elif message.kind == "unfit":
                run.unfit = message
            else:
                with suppress(Exception):  # a test has found the pipe
                    self._note(message)

    def _tell_end(self, run: Accepted, end: Message) -> None:
        """Tell a client how its run has ended: the one place for it, whoever is first to know."""
        client, run.client = run.client, None
        if client:
            client.process = 0
            client.send(end)
            self._dismiss(client)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wakeup, 4096)
        if self._is_asked_to_stop:
            self._stop_listening()
        for process, run in list(self._runs.items()):
            with suppress(ChildProcessError):
                ended, status = os.waitpid(process, os.WNOHANG)
                if ended:
                    del self._runs[process]
                    self._listen_to(run)
                    self._forget(run.report.pipe)
                    os.close(run.report.pipe)
                    self._tell_end(run, run.unfit or Message("ended", status=status))
                    self._since = time.monotonic()
        if self._trial and self._trial.has_ended():
            self._take_in_trial(self._trial)

    def _note(self, message: Message) -> None:
        """Take in what a run has told for the next ones."""
        if message.kind == "learnt":
            self._backlog.add_learnt(message)
        elif message.kind == "settings":
            self._idle_s = float(message.number("idle"))
            self._backlog.add_declared(message)
        elif message.kind == "given up":
            self.preload.note_given_up(message)
            self._stop_listening()
        elif message.kind == "doubts":
            for part in message.parts("modules"):
                name, why = loads(part)
                self.preload.leave_out(root(name), why)
            self._stop_listening()
        elif message.kind == "pages":
            self.preload.pages.note(message.parts("numbers"))

    # Imports

    def _fork_trial(self) -> None:
        modules = self._backlog.take_untried()
        if not modules:
            return
        self._end_spare()
        try:
            process, report = self._fork(lambda report: Trying(modules, report, self.preload))
        except OSError:
            self._backlog.forget(modules)  # the next run tells them again
            return
        self._trial = Trial(process, report, modules)

    def _take_in_trial(self, trial: Trial) -> None:
        self._trial = None
        result = trial.result()
        self._backlog.take_in(result)
        if not result.is_certain:
            self._stop_listening(f"{ENDING}: something was installed while it imported {result.harmful}")

    # Children

    def _fork(self, child: Callable[[int], Child]) -> tuple[int, int]:
        """
        Fork a child that tells something by a pipe.

        Args:
            child: Gives, in the child, what that is to do, a :data:`Child`, given its end of the pipe.

        Returns:
            The child's number, and our end of the pipe.

        Raises:
            IsChild: In the child.
            OSError: There is no child.
        """
        reading, writing = os.pipe()
        os.set_blocking(reading, False)  # we have more to do than to wait for it
        try:
            process = fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if process == 0:
            try:
                os.close(reading)
                forked = IsChild(child(writing))
                self._let_go()
            except BaseException:
                os._exit(1)  # never a second warm process
            raise forked
        os.close(writing)
        return process, reading

    def _let_go(self) -> None:
        """In a child: of all that is the warm process's."""
        signal.set_wakeup_fd(-1)
        if self._spare:
            self._spare.let_go()
        if self._trial:
            self._trial.let_go()
        for each in self._clients.values():
            each.close()
        for run in self._runs.values():
            os.close(run.report.pipe)
        self._selector.close()
        self._listener.close()
        for number in (self._wakeup, self._wake, self._lock, self._directory, self._owner):
            if number >= 0:
                os.close(number)

    def _fork_spare(self) -> None:
        """Have a child wait for the next run."""
        try:
            here, there = socket.socketpair()
        except OSError:
            self._spares_lost += 1  # the next run tells it
            return

        def waiting(report: int) -> Waiting:
            here.close()
            return Waiting(there, report, self.preload)

        try:
            process, report = self._fork(waiting)
        except OSError:
            self._spares_lost += 1
            here.close()
            there.close()
            return
        there.close()
        spare = self._spare = Spare(process, here, report)
        self._selector.register(here, selectors.EVENT_READ, lambda: self._hear_spare(spare))

    def _hear_spare(self, spare: Spare) -> None:
        if not spare.hear():
            self._spares_lost += 1
            self._end_spare()

    def _end_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare:
            self._forget(spare.peer.fileno())
            spare.end()

    def _forget(self, file: int) -> None:
        with suppress(KeyError):
            self._selector.unregister(file)

    # The end

    def _facts(self, client: Client) -> Message:
        return Message(
            "facts",
            process=os.getpid(),
            interpreter=sys.executable,
            project=self.preload.project,
            modules=versions(self.preload.known, lambda: client.send(Message("busy"))),
            whole=join(self.preload.read_as_a_whole),
            harmful=join(f"{name}: {fault}" for name, fault in self.preload.harmful.items()),
            memory=memory_of(os.getpid()) + (memory_of(self._spare.process) if self._spare else 0),
            age=int(time.monotonic() - self._began),
            runs=self._served,
            running=self._under_way(),
        )

    def _under_way(self) -> int:
        """How many runs have not told their end."""
        return sum(run.client is not None for run in self._runs.values())

    def _stop_listening(self, why: str = ENDING) -> None:
        """Let another one take this one's place. Runs that are under way go on; clients that wait are told *why*."""
        if self._is_closing:
            return
        self._is_closing = True
        self._end_spare()
        if self._trial:
            self._trial.end()
            self._trial = None
        for kind in ("sock", "log"):
            with suppress(OSError):
                os.unlink(f"{self._name}.{kind}", dir_fd=self._directory)
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                break
            Client(peer).send(Message("stale", why=why))
            peer.close()
        self._forget(self._listener.fileno())
        self._listener.close()
        with suppress(OSError):
            os.unlink(f"{self._name}.lock", dir_fd=self._directory)
        os.close(self._lock)
        self._lock = -1


def main(hook: Any) -> None:
    """Of the process that ``starting.launch`` starts. In a child, returns where that ends as other interpreters do."""
    listener, lock, directory, owner = map(int, sys.argv[1:5])
    name, *modules = sys.argv[5:]
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]  # this directory, which is the user's
    served = socket.socket(fileno=listener)
    warm = Warm(served, lock, directory, name, owner=owner, log=2, hook=hook)
    if owner < 0 and name_of(identity()) != name:
        sys.exit("a warm process can't be given the flags of the interpreter that asks for it")
    if warm.warm_up(modules):
        child = warm.serve()
        if child:
            child.carry_out()
            return
    warm.preload.close()
    # What torch does when the interpreter ends takes longer than a run. The kernel hangs up on clients.
    os._exit(0)
