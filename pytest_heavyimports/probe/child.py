"""
The program of the child in which a probe imports a module: ``python child.py DIRECTORY``.

Parent (``probe_process.py``) and child talk by files in DIRECTORY, in the form of ``marshal`` but for the last:

``request``
    What to import: the values of :func:`main`'s ``request``.
``report``
    Appears in one piece when the import has ended, well or with an exception; see :func:`_success` and
    :func:`_failure`. The child then ends at once, whatever threads and exit handlers there are. Where it ends without a
    report, the import has ended it.
``trace``
    Where the import was, as ``faulthandler`` writes it: when a fatal signal came, or SIGALRM, which the parent sends
    when the time is over. The child also sends that to itself somewhat later, for a parent that is no more.

Before the module under test, nothing is imported that an interpreter hasn't imported when it has started: it would be
hidden from the report. That goes for ``__future__`` and ``typing``, and for the rest of this package.
"""

import _frozen_importlib as _bootstrap
import _signal  # type: ignore[import-not-found]  # typeshed knows signal alone, which imports enum
import faulthandler
import marshal
import posix
import sys

# By name: the module under test may change time, to freeze it for one.
from _thread import get_ident
from time import perf_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

# Whose functions import on behalf of their callers; the last is this program.
_PLUMBING = (
    "importlib",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "importlib.util",
    "_frozen_importlib",
    "_frozen_importlib_external",
    "__main__",
)

# Private, and the same from Python 3.10 to 3.15, but for an argument that 3.15 has added.
_LOAD = "_find_and_load_unlocked"
_call_with_frames_removed: "Callable[..., Any]" = vars(_bootstrap)["_call_with_frames_removed"]


class SeenImport:
    """One import, while it is going on and after it."""

    __slots__ = ("cumulative_s", "frame", "fullname", "importer", "inner_s", "is_done", "statement")

    def __init__(self, fullname: str, importer: "SeenImport | None", frame: "Any" = None) -> None:
        self.fullname = str.__str__(fullname)  # a subclass of str has no form in marshal
        self.importer = importer
        """That of the module that was being executed, in the same thread."""
        self.frame = frame
        """While it is going on: the frame in which it happens."""
        self.statement = _statement(frame, importer)
        """Module, file and line of the statement, or of the call of ``import_module``; empty where it was C code."""
        self.cumulative_s = 0.0
        self.inner_s = 0.0
        """How much of that was spent on other modules."""
        self.is_done = False


class Recorder:
    """Notes every import of a module that isn't in ``sys.modules``, by whatever statement, function or C code."""

    def __init__(self) -> None:
        self.imports: list[SeenImport] = []
        self._executing: dict[int, list[SeenImport]] = {}
        self._latest: dict[str, SeenImport | None] = dict.fromkeys(sys.modules)
        self._counted = len(sys.modules)

    def wrap(self, load: "Callable[..., ModuleType | None]") -> "Callable[..., ModuleType | None]":
        """
        A stand-in for *load*, importlib's ``_find_and_load_unlocked``: the function that all of these imports go
        through, builtin, frozen, extension and namespace modules and finders of anybody's own among them.
        """

        def find_and_load(fullname: str, import_: "Any", **how: "Any") -> "ModuleType | None":
            package = fullname.rpartition(".")[0]
            if package and package not in sys.modules:
                # What importlib is about to do, done here because its time is not this module's.
                _call_with_frames_removed(import_, package)
            executing = self._executing.setdefault(get_ident(), [])
            importer = executing[-1] if executing else None
            self._note_what_appeared(importer)
            this = SeenImport(fullname, importer, sys._getframe())
            self.imports.append(this)
            self._latest[fullname] = this
            executing.append(this)
            begin = perf_counter()
            try:
                module = load(fullname, import_, **how)
                # None: "lazy from package import name", and the name is no module, which Python tries first.
                this.is_done = module is not None
                return module
            finally:
                this.cumulative_s = perf_counter() - begin
                self._note_what_appeared(this)
                executing.pop()
                this.frame = None
                if importer:
                    importer.inner_s += this.cumulative_s if this.is_done else this.inner_s

        # As importlib's own frames, this one is left out of tracebacks, and not counted by warnings' stacklevel.
        find_and_load.__code__ = find_and_load.__code__.replace(co_filename="<frozen importlib._bootstrap>")
        return find_and_load

    def end(self) -> None:
        """The import under test is over."""
        self._counted = 0
        self._note_what_appeared(None)
        util = sys.modules.get("importlib.util")
        for each in self.imports:
            if each.is_done and util and type(sys.modules.get(each.fullname)) is util._LazyModule:
                each.is_done = False  # by importlib.util.LazyLoader: nothing of it has been executed yet

    def _note_what_appeared(self, owner: "SeenImport | None") -> None:
        """What somebody has put into ``sys.modules`` by hand since the last look, C code for one."""
        new = len(sys.modules) - self._counted
        self._counted += new
        if new <= 0:
            return
        try:
            for name in reversed(sys.modules):
                if new < 0:  # one more is looked at: importlib has put the module that is done behind the new ones
                    break
                new -= 1
                if name not in self._latest and sys.modules[name] is not None:
                    importer = owner or self._latest.get(name.rpartition(".")[0])
                    self._latest[name] = appeared = SeenImport(name, importer)
                    appeared.is_done = True
                    self.imports.append(appeared)
        except (KeyError, RuntimeError):  # another thread changes it: the last look will find it
            pass


def _statement(frame: "Any", importer: "SeenImport | None") -> "tuple[str, str, int]":
    while frame is not None and not (importer and frame is importer.frame):
        name = frame.f_globals.get("__name__")
        is_own = name not in _PLUMBING or (frame.f_code.co_name == "<module>" and name != "__main__")
        if type(name) is str and name in sys.modules and is_own:
            return name, frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return "", "", 0


def main(directory: str) -> None:
    """Import what the request names, and report."""
    del sys.modules["faulthandler"]
    at_start = list(sys.modules)
    with open(f"{directory}/request", "rb") as file:
        request: dict[str, Any] = marshal.load(file)
    trace = posix.open(f"{directory}/trace", posix.O_WRONLY | posix.O_CREAT, 0o600)
    faulthandler.enable(trace)
    faulthandler.register(_signal.SIGALRM, trace, chain=True)  # by the chain, the signal then ends the process
    _signal.alarm(request["alarm_s"])
    sys.path[:] = request["path"]
    sys.argv[:] = ["-c"]
    process = posix.getpid()
    recorder = Recorder()
    setattr(_bootstrap, _LOAD, recorder.wrap(getattr(_bootstrap, _LOAD)))
    lazy_at_start = {*getattr(sys, "lazy_modules", ())}
    begin = perf_counter()
    try:
        __import__(request["fullname"])
    except BaseException as error:
        report = _failure(error)
    else:
        seconds = perf_counter() - begin
        report = {"seconds": seconds, "peak_bytes": _peak_bytes(), "at_start": at_start, **_success(recorder)}
        report["lazy"] = [*{*getattr(sys, "lazy_modules", ())} - lazy_at_start]
    if posix.getpid() == process:  # not one that the module has forked
        with open(f"{directory}/report.part", "wb") as file:
            marshal.dump(report, file)
        posix.rename(f"{directory}/report.part", f"{directory}/report")
    posix._exit(0)


def _success(recorder: Recorder) -> "dict[str, Any]":
    """``imports``: for each the fields of ``probe.ReportedImport``."""
    recorder.end()
    numbers = {id(each): number for number, each in enumerate(recorder.imports)}
    return {
        "imports": [
            (
                each.fullname,
                each.is_done,
                numbers[id(each.importer)] if each.importer else -1,
                *each.statement,
                each.cumulative_s,
                each.inner_s,
            )
            for each in recorder.imports
        ]
    }


def _failure(error: BaseException) -> "dict[str, Any]":
    """``failure`` is the exception's type; with it come its first line, its traceback and, of SystemExit, its code."""
    import traceback  # only now, that nothing is recorded any more

    try:
        below = error.__traceback__.tb_next if error.__traceback__ else None
        lines = traceback.format_exception(type(error), error, below)
        only = traceback.format_exception_only(type(error), error)
        text = next(line for line in only if line[0] != " ")  # a syntax error begins with its line
    except Exception:  # by a __str__ of somebody's own
        lines, text = [], type(error).__name__
    return {
        "failure": type(error).__name__,
        "text": text.strip().partition("\n")[0],
        "trace": "".join(lines),
        "missing": str(error.name) if isinstance(error, ModuleNotFoundError) else "",
        "code": repr(error.code) if isinstance(error, SystemExit) else "",
    }


def _peak_bytes() -> "int | None":
    """
    The peak of the resident set since this program began; ``None`` where there is no ``/proc``.

    Not ``ru_maxrss``, which goes on from that of the parent: proc(5), ``VmHWM``, and getrusage(2).
    """
    try:
        with open("/proc/self/status", "rb") as status:
            for line in status:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


if __name__ == "__main__":
    main(sys.argv[1])
