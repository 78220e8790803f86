"""
The warm process: imports what is heavy, computes nothing, and forks a child for each run. Owns the door ``os.fork``.

It has one thread, which waits for whatever comes first: a client, what a client says, a child's report, a child's end.

| a client says | and gets |
|---|---|
| ``run``, ``worker``, with its files: its whole situation, see ``client.situation`` | ``started`` and, in the end, ``ended`` with the status of ``waitpid``; or ``stale``: ask another process; or ``unfit``: run plainly |
| ``suits``, with its environment and what it has declared: whether its workers can be forked here | ``suits``, or ``stale`` |
| ``signal``: a number, and whether the run's whole process group gets it | nothing |
| ``status`` | ``facts`` |
| ``stop`` | ``stopping``, and when the last run has ended the end of the connection |

A client that hangs up ends its run. A run tells its own end, before the kernel takes it apart, where it can. A client
that asks meanwhile waits until what that run has imported is imported here as well, as it would have to import most of
it itself. One child waits for the next run, see ``spare.py``.
"""  # noqa: E501  # a table

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from json import loads  # now: packages replace them
from pathlib import Path
from typing import Any

from ..errors import HarmfulImport, MessageRefused
from .client import peer_user
from .key import cache_directory, identity, name_of, project, project_of
from .learning import Learnt, Store
from .memory import is_memory_short, memory_of
from .preload import Preload
from .run import Request, Run, environment_of
from .siblings import end_least_used, note_use
from .spare import Spare, Waiting
from .wire import LIMIT_FDS, Decoder, Message, join

IDLE_S = 1800.0
"""Until it ends by itself where nobody asks for anything, unless the ini key says otherwise."""
HESITATION_S = 10.0
"""How long a client may take to say what it wants."""
REAP_S = 2.0
"""How long a client waits for the end of a process whose run has told its own."""
LOOK_S = 60.0
"""How often it looks, while it waits, whether the machine has room for it."""
MOST_CLIENTS = 256
MOST_LOST = 10
"""So many spare children that end by themselves, and there are no more."""
ENDING = "the warm process was about to end"


class Client:
    """Somebody at the other end of a connection, and the run that he has asked for."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self.decoder = Decoder()
        self.files: list[int] = []
        self.since = time.monotonic()
        self.process = 0
        """That of the run; 0 where there is none."""
        self.waiting: Message | None = None
        """What he asks for, and gets when what the last run has imported is imported here too."""

    def send(self, message: Message) -> None:
        """Send a message, unless he has hung up. He gets few, and short ones: they never fill the socket."""
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


class Report:
    """What a run tells at its end."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self._decoder = Decoder()
        self.messages: list[Message] = []
        """Those that nobody has taken in."""
        self.unfit: Message | None = None

    def read(self) -> bool:
        """Take what is there; whether there can be more."""
        try:
            data = os.read(self.pipe, 65536)
            self.messages += self._decoder.feed(data)
        except BlockingIOError:
            return True
        except MessageRefused:
            return False  # a test has found the pipe, and written into it
        return bool(data)


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
        self.preload = Preload(store, log, hook)
        self._tried: set[str] = set()
        self._to_load: dict[str, Learnt] = {}
        self._clients: dict[int, Client] = {}
        self._reports: dict[int, Report] = {}
        """By the process that gives it."""
        self._by_process: dict[int, Client] = {}
        self._selector = selectors.DefaultSelector()
        self._idle_s = IDLE_S
        self._since = time.monotonic()
        self._began = time.time()
        self._served = 0
        self._is_closing = False
        self._is_left = False
        """Whether the run that it was started for has ended."""
        self._spare: Spare | None = None
        self._spares_lost = 0
        """One after the other."""
        self._forked: Run | Waiting | None = None

    def warm_up(self, modules: list[str]) -> bool:
        """Import what each run needs, what has been learnt and these *modules*; whether that did no harm."""
        self._open()
        end_least_used(self._directory, self._name)
        self._attempt(lambda: self.preload.open(modules))
        return not self._is_closing

    def serve(self) -> Run | Waiting | None:
        """Serve until it is to end: ``None``. In the child of a fork: what that is to do."""
        while not (self._is_closing and not self._reports):
            for key, _ in self._selector.select(self._patience()):
                if self._selector.get_map().get(key.fd) is key:  # not closed by what came before
                    key.data()
                if self._forked:
                    return self._forked
            self._look_around()
            if self._forked:
                return self._forked
        return None

    def _open(self) -> None:
        self._wakeup, wake = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(wake, False)
        self._wake = wake
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._stop_listening())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._listener.setblocking(False)
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._reap)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        if self._owner >= 0:
            self._selector.register(self._owner, selectors.EVENT_READ, self._be_left)

    def _patience(self) -> float | None:
        """How long to wait for something to happen."""
        waiting = self._who_wait()
        if (self._to_load or self._is_left or waiting) and not self._reports:
            return 0
        left = self._idle_s - (time.monotonic() - self._since)
        hesitant = HESITATION_S if len(self._clients) > len(self._reports) else LOOK_S
        return max(0.0, min(left if not self._reports else LOOK_S, REAP_S if waiting else hesitant))

    def _look_around(self) -> None:
        now = time.monotonic()
        for client in list(self._clients.values()):
            if not (client.process or client.waiting) and now - client.since > HESITATION_S:
                self._dismiss(client)
        for client in self._who_wait():
            if not self._to_load or now - client.since > REAP_S:
                self._answer_all(client, ())
            if self._forked:
                return
        if self._reports:
            self._since = now
            return
        if self._to_load and not (self._is_closing or (self._is_left and is_memory_short())):
            modules, self._to_load = list(self._to_load.values()), {}
            self._attempt(lambda: self.preload.load(modules))
            if self._who_wait():
                return  # they are answered, unless they have hung up meanwhile
        if self._is_left or now - self._since >= self._idle_s or is_memory_short():
            self._stop_listening()
        elif not (self._spare or self._is_closing or self._owner >= 0) and self._spares_lost < MOST_LOST:
            self._fork_spare()

    def _who_wait(self) -> list[Client]:
        return [client for client in self._clients.values() if client.waiting]

    def _be_left(self) -> None:
        """End, but not before its workers have; what they had to import is tried then, for the next run."""
        self._is_left = True
        self._forget(self._owner)

    def _attempt(self, load: Callable[[], None]) -> None:
        """Import something; where that does harm, another process takes over, which knows."""
        self._end_spare()
        try:
            load()
        except HarmfulImport as harm:
            print(harm, file=sys.stderr, flush=True)
            self._stop_listening(f"{ENDING}: the import of {harm.fullname} does harm there")

    def _accept(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return  # it has hung up already, or there are no more files to be had
        client = Client(peer)
        if peer_user(peer) != os.geteuid() or len(self._clients) >= MOST_CLIENTS:
            client.close()
            return
        peer.setblocking(False)
        self._clients[peer.fileno()] = client
        self._selector.register(peer, selectors.EVENT_READ, lambda: self._hear(client))

    def _hear(self, client: Client) -> None:
        try:
            data, files, *_ = socket.recv_fds(client.peer, 65536, LIMIT_FDS)
            client.files += files
            if not data or len(client.files) > LIMIT_FDS:
                self._dismiss(client)
                return
            messages = list(client.decoder.feed(data))
        except BlockingIOError:
            pass
        except (MessageRefused, OSError, ValueError, OverflowError):
            self._dismiss(client)
        else:
            self._answer_all(client, messages)

    def _answer_all(self, client: Client, messages: Sequence[Message]) -> None:
        """Answer what he says, and before it what he waits for: who has more to say doesn't wait."""
        waiting, client.waiting = client.waiting, None
        said = [waiting, *messages] if waiting else messages
        try:
            for message in said:
                self._answer(client, message, may_wait=len(said) == 1 and not waiting)
                if self._forked:
                    return
        except (MessageRefused, OSError, ValueError, OverflowError):
            self._dismiss(client)

    def _answer(self, client: Client, message: Message, *, may_wait: bool) -> None:
        if message.kind in ("run", "worker") and not client.process:
            # The last run has told its end, and there was no time yet to import what it has.
            if may_wait and self._to_load and not (self._by_process or self._is_closing):
                client.waiting = message
            else:
                self._start(client, message)
        elif message.kind == "signal" and client.process:
            kill = os.killpg if message.number("whole") else os.kill
            with suppress(ProcessLookupError):
                kill(client.process, message.number("number"))
        elif message.kind == "suits" and not client.process:
            fault = self._fault(environment_of(message))
            client.send(Message("stale" if fault else "suits"))
            if not fault:
                self._since = time.monotonic()
                self._try_declared(message)
        elif message.kind == "status":
            client.send(self._facts())
            client.since = time.monotonic()
        elif message.kind == "stop":
            client.send(Message("stopping", running=len(self._by_process)))
            self._stop_listening()
        else:
            self._dismiss(client)

    def _start(self, client: Client, message: Message) -> None:
        request = Request(message)
        if len(request.numbers) != len(client.files):
            raise MessageRefused("it has other files than it names")
        if fault := self._fault(request.environment, request.path):
            self._turn_away(client, fault, is_worker=request.kind == "worker")
            return
        if request.kind == "run" and self._use_spare(client, message):
            return
        reading, writing = _report_pipe()
        try:
            process = _fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            client.send(Message("unfit", why=f"the warm process can't fork: {error}"))
            self._dismiss(client)
            return
        if process == 0:
            os.close(reading)
            files, client.files = client.files, []
            self._let_go()
            self._forked = Run(request, files, writing, self.preload)
        else:
            os.close(writing)
            self._follow(client, process, reading)

    def _fork_spare(self) -> None:
        """Have a child wait for the next run."""
        here, there = socket.socketpair()
        reading, writing = _report_pipe()
        try:
            process = _fork()
        except OSError:
            process = -1  # the next run tells it
        if process == 0:
            here.close()
            os.close(reading)
            self._let_go()
            self._forked = Waiting(there, writing, self.preload)
            return
        there.close()
        os.close(writing)
        if process < 0:
            here.close()
            os.close(reading)
            return
        spare = self._spare = Spare(process, here, reading)
        self._selector.register(here, selectors.EVENT_READ, lambda: self._hear_spare(spare))

    def _hear_spare(self, spare: Spare) -> None:
        if not spare.hear():
            self._spares_lost += 1
            self._end_spare()

    def _use_spare(self, client: Client, request: Message) -> bool:
        """Make the child that waits the run of this client; whether there is one that can be."""
        spare = self._spare
        if not (spare and spare.is_ready):
            return False
        self._forget(spare.peer.fileno())
        if not spare.hand_over(request, client.files):
            self._spare = None
            spare.end()
            return False
        self._spare, self._spares_lost = None, 0
        self._follow(client, spare.process, spare.report)
        return True

    def _end_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare:
            self._forget(spare.peer.fileno())
            spare.end()

    def _fault(self, environment: dict[str, str], path: Sequence[str] = ()) -> str:
        if self._is_closing:
            return ENDING
        fault = self.preload.fault(environment, list(path))
        return fault and f"the warm process is out of date: {fault}"

    def _turn_away(self, client: Client, fault: str, *, is_worker: bool = False) -> None:
        """Have the client ask another one. What is wrong with a worker is its controller's doing, and ends nothing."""
        if not is_worker:
            self._stop_listening()  # first: he will not find this one again
        client.send(Message("unfit" if is_worker else "stale", why=fault))
        self._dismiss(client)

    def _follow(self, client: Client, process: int, reading: int) -> None:
        """In the parent: what belongs to the run is the child's now, but for its report and its end."""
        with suppress(OSError):
            os.setpgid(process, process)  # as the child does: whoever is first
        client.drop_files()
        client.process = process
        note_use(self._directory, self._name)
        self._served += 1
        report = self._reports[process] = Report(reading)
        self._by_process[process] = client
        self._selector.register(reading, selectors.EVENT_READ, lambda: self._listen_to(process, report))
        client.send(Message("started", process=process))

    def _listen_to(self, process: int, report: Report) -> None:
        if not report.read():
            self._forget(report.pipe)
        self._take_in(process, report)

    def _take_in(self, process: int, report: Report) -> None:
        messages, report.messages = report.messages, []
        for message in messages:
            if message.kind == "ended":
                self._release(process, message)
            elif message.kind == "unfit":
                report.unfit = message
            else:
                with suppress(MessageRefused, ValueError, OverflowError):  # a test has found the pipe
                    self._note(message)

    def _let_go(self) -> None:
        """In a child: of all that is the warm process's."""
        signal.set_wakeup_fd(-1)
        if self._spare:
            self._spare.let_go()
        for each in self._clients.values():
            each.close()
        for other in self._reports.values():
            os.close(other.pipe)
        self._selector.close()
        self._listener.close()
        for number in (self._wakeup, self._wake, self._lock, self._directory, self._owner):
            if number >= 0:
                os.close(number)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wakeup, 4096)
        for process in list(self._reports):
            with suppress(ChildProcessError):
                ended, status = os.waitpid(process, os.WNOHANG)
                if ended:
                    self._conclude(process, status)

    def _conclude(self, process: int, status: int) -> None:
        report = self._reports.pop(process)
        report.read()
        self._take_in(process, report)
        self._forget(report.pipe)
        os.close(report.pipe)
        self._release(process, report.unfit or Message("ended", status=status))
        self._since = time.monotonic()

    def _note(self, message: Message) -> None:
        """Take in what a run has told for the next ones."""
        if message.kind == "learnt":
            self._remember(message)
        elif message.kind == "settings":
            self._idle_s = float(message.number("idle"))
            self._try_declared(message)
        elif message.kind == "given up":
            self.preload.note_given_up(message)
            self._stop_listening()
        elif message.kind == "doubts":
            for part in message.parts("modules"):
                self.preload.leave_out(*loads(part))
            self._stop_listening()
        elif message.kind == "pages":
            self.preload.pages.note(message.parts("numbers"))

    def _release(self, process: int, end: Message) -> None:
        """Tell a client how his run has ended: the process itself does, before the kernel takes it apart, if it can."""
        client = self._by_process.pop(process, None)
        if client:
            client.process = 0
            client.send(end)
            self._dismiss(client)

    def _remember(self, message: Message) -> None:
        self._try(Learnt(*loads(part)) for part in message.parts("modules"))

    def _try_declared(self, message: Message) -> None:
        self._try(Learnt(part.decode(), "", False) for part in message.parts("modules"))

    def _try(self, modules: Iterable[Learnt]) -> None:
        """Import these when there is time, each once: what is there already costs no look at everything."""
        for module in modules:
            if module.fullname not in self._tried and module.fullname not in self.preload.known:
                self._tried.add(module.fullname)
                self._to_load[module.fullname] = module

    def _dismiss(self, client: Client) -> None:
        """Hang up. Whoever has a run under way has it ended."""
        number = client.peer.fileno()
        if self._clients.pop(number, None) is None:
            return
        self._forget(number)
        client.close()
        if client.process:
            with suppress(OSError):
                os.killpg(client.process, signal.SIGKILL)

    def _forget(self, file: int) -> None:
        with suppress(KeyError):
            self._selector.unregister(file)

    def _facts(self) -> Message:
        return Message(
            "facts",
            process=os.getpid(),
            interpreter=sys.executable,
            project=self.preload.project,
            modules=_versions(_tops(self.preload.known)),
            whole=join(self.preload.read_as_a_whole),
            harmful=join(f"{name}: {fault}" for name, fault in self.preload.harmful.items()),
            memory=memory_of(os.getpid()) + (memory_of(self._spare.process) if self._spare else 0),
            age=int(time.time() - self._began),
            runs=self._served,
            running=len(self._by_process),
        )

    def _stop_listening(self, why: str = ENDING) -> None:
        """Let another one take this one's place. Runs that are under way go on; who waits already is told *why*."""
        if self._is_closing:
            return
        self._is_closing = True
        self._end_spare()
        for client in self._who_wait():
            client.send(Message("stale", why=why))
            self._dismiss(client)
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
    """Of the process that ``starting.launch`` starts. Returns never, in a child of it either."""
    listener, lock, directory, owner = map(int, sys.argv[1:5])
    name, *modules = sys.argv[5:]
    if not sys.flags.safe_path if hasattr(sys.flags, "safe_path") else True:
        del sys.path[0]  # this directory, which is the user's
    served = socket.socket(fileno=listener)
    warm = Warm(served, lock, directory, name, owner=owner, log=2, hook=hook)
    if owner < 0 and name_of(identity()) != name:
        sys.exit("a warm process can't be given the flags of the interpreter that asks for it")
    if warm.warm_up(modules):
        run = warm.serve()
        if run:
            run.carry_out()
    warm.preload.close()
    # What torch does when the interpreter ends takes longer than a run. The kernel hangs up on clients.
    os._exit(0)


def _report_pipe() -> tuple[int, int]:
    """For what a run tells: read by a process that has more to do than to wait for it."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    return reading, writing


def _fork() -> int:
    """Fork; in the child all signals wait until it has become what it is to be."""
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    process = -1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns of a fork where C libraries have threads
            process = os.fork()
    finally:
        if process != 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    return process


def _tops(names: Iterable[str]) -> set[str]:
    tops = {name.partition(".")[0] for name in names}
    return {name for name in tops - sys.stdlib_module_names if name[0] != "_"}


def _versions(names: Iterable[str]) -> bytes:
    """
    Each of these packages with its version, as the field of a message.

    Asked in a child: the backport of importlib.metadata, which some names take, adds a finder to ``sys.meta_path`` for
    good, and runs would have it.
    """
    reader, writer = os.pipe()
    process = _fork()
    if process == 0:
        with suppress(Exception):
            os.close(reader)
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(join(f"{name} {version}" for name in sorted(names) if (version := _version(name))))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        versions = pipe.read()
    os.waitpid(process, 0)
    return versions


def _version(name: str) -> str:
    from ..distributions import find_provider

    provider = find_provider(name)
    return provider.version if provider else ""
