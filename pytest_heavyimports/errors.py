"""Every exception and warning of the package. Imports nothing of ours, and not pytest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

# Errors are shown by the name that users import them by.
PUBLIC = "pytest_heavyimports"


class HeavyImportsError(RuntimeError):
    """
    Base of all errors here: a ``RuntimeError``, as torch's own is.

    Never an ``ImportError``: ``try: import torch / except ImportError: torch = None`` in the code under test would
    swallow it. Positional arguments are in ``args`` and keywords are attributes, so that each can be pickled.
    """

    __module__ = PUBLIC
    slug: ClassVar[str] = "heavy-imports-error"

    def __init_subclass__(cls) -> None:
        cls.__module__ = PUBLIC


class InvalidDeclaration(HeavyImportsError):
    """A line of ``heavy_modules``, or a name given to ``heavy_module`` or ``import_probe``, that can't be read."""

    slug = "invalid-declaration"

    def __init__(self, line: object, *, fault: str = "", remedy: str = "") -> None:
        super().__init__(line)
        self.line = line
        self.fault = fault
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.line!r} can't be read: {self.fault}.", self.remedy) if part)


class HeavyModuleMissing(HeavyImportsError):
    """A heavy module is not installed, or too old. Inside a test it is told as a skip or a failure."""

    slug = "heavy-module-missing"

    def __init__(self, fullname: str, *, fault: str = "", declared: str = "") -> None:
        super().__init__(fullname)
        self.fullname = fullname
        self.fault = fault
        self.declared = declared

    def __str__(self) -> str:
        return f"{self.fault}; declared as {self.declared}" if self.declared else self.fault


class ReloadRefused(HeavyImportsError):
    """Somebody asked to reload a module that can't be initialised twice in a process."""

    slug = "reload-refused"

    def __init__(self, fullname: str, *, first: str = "", again: str = "", why: str = "") -> None:
        super().__init__(fullname)
        self.fullname = fullname
        self.first = first
        self.again = again
        self.why = why

    def __str__(self) -> str:
        return _message(
            f"{self.fullname!r} was about to be reloaded, which would initialise it a second time in this process.",
            {"first": self.first, "reload": self.again, "why": self.why},
            RELOAD_REMEDY,
        )


class ReimportRefused(HeavyImportsError):
    """Somebody threw a module out of ``sys.modules`` and imported it again; nothing of it was executed."""

    slug = "reimport-refused"

    def __init__(
        self,
        fullname: str,
        *,
        first: str = "",
        taken_by: str = "",
        how: str = "",
        again: str = "",
        why: str = "",
        remedy: str = "",
    ) -> None:
        """
        Args:
            fullname: The module.
            first: Where it was first imported, where that is known.
            taken_by: Who threw it out.
            how: The statement, where it was found.
            again: Where it was imported again.
            why: Why it can't be initialised twice.
            remedy: What to type instead; by default what always helps.
        """
        super().__init__(fullname)
        self.fullname = fullname
        self.first = first
        self.taken_by = taken_by
        self.how = how
        self.again = again
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return _message(
            f"{self.fullname!r} was about to be initialised a second time in this process.",
            {
                "first": self.first,
                "taken by": self.taken_by,
                "how": self.how,
                "again": self.again,
                "why": self.why,
            },
            self.remedy or reimport_remedy(self.fullname),
        )


class ModulesDisplaced(HeavyImportsError):
    """Somebody left modules missing from ``sys.modules``, or fakes in their place; they were put back."""

    slug = "modules-displaced"

    def __init__(
        self,
        fullname: str,
        *,
        others: int = 0,
        fake: str = "",
        is_lent: bool = False,
        first: str = "",
        taken_by: str = "",
        how: str = "",
        why: str = "",
        remedy: str = "",
    ) -> None:
        """
        Args:
            fullname: The module, or of several the one that is most worth naming.
            others: How many more modules.
            fake: What was in its place, for people; empty where it was missing.
            is_lent: Whether the fake comes back for the tests of the file that left it.
            first: Where it was first imported, where that is known.
            taken_by: Who did it.
            how: The statement, where it was found.
            why: Why it can't be initialised twice.
            remedy: What to type instead; by default what helps whatever was done.
        """
        super().__init__(fullname)
        self.fullname = fullname
        self.others = others
        self.fake = fake
        self.is_lent = is_lent
        self.first = first
        self.taken_by = taken_by
        self.how = how
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        what = f"{self.fullname!r}{f' and {self.others} more' if self.others else ''}"
        was = "were" if self.others else "was"
        if self.is_lent:
            headline = f"A fake of {what} was left in sys.modules: {self.fake}. Only that file's own tests see it."
        elif self.fake:
            headline = f"A fake of {what} was left in sys.modules: {self.fake}. It was taken away."
        else:
            headline = f"{what} {was} thrown out of sys.modules, and {was} put back."
        return _message(
            headline,
            {
                "first": self.first,
                "fake by" if self.fake else "taken by": self.taken_by,
                "how": self.how,
                "why": self.why,
            },
            self.remedy or (FAKE_REMEDY if self.fake else EVICTION_REMEDY),
        )


class HalfImported(HeavyImportsError):
    """The first import of a module was broken off, and can't be done again in this process."""

    slug = "half-imported"

    def __init__(self, fullname: str, *, first: str = "", error: str = "") -> None:
        super().__init__(fullname)
        self.fullname = fullname
        self.first = first
        self.error = error

    def __str__(self) -> str:
        return _message(
            f"{self.fullname!r} can't be imported any more: its first import in this process was broken off.",
            {"first": self.first, "error": self.error, "why": HALF_WHY},
            HALF_REMEDY,
        )


class ProbeFailed(HeavyImportsError):
    """The module that ``import_probe`` was asked for can't be imported in a clean interpreter."""

    slug = "probe-failed"

    def __init__(self, fullname: str, *, fault: str = "", trace: str = "", output: str = "", remedy: str = "") -> None:
        """
        Args:
            fullname: The module that was asked for.
            fault: What happened, in words.
            trace: The last lines of the traceback, or where the import was, innermost first; one or more lines.
            output: The last lines that the import wrote.
            remedy: What to type instead, where that is known.
        """
        super().__init__(fullname)
        self.fullname = fullname
        self.fault = fault
        self.trace = trace
        self.output = output
        self.remedy = remedy

    def __str__(self) -> str:
        headline = f"{self.fullname!r} could not be imported in a clean interpreter: {self.fault}."
        return _with_texts(headline, {"where": self.trace, "output": self.output}, self.remedy)


class NotBroughtIn(HeavyImportsError):
    """A probe was asked who imports a module, and nobody does."""

    slug = "not-brought-in"

    def __init__(self, fullname: str, *, probed: str = "", hint: str = "") -> None:
        super().__init__(fullname)
        self.fullname = fullname
        self.probed = probed
        self.hint = hint

    def __str__(self) -> str:
        return f"Importing {self.probed!r} doesn't import {self.fullname!r}, so nothing leads to it.{self.hint}"


class StandInRefused(HeavyImportsError):
    """A stand-in was asked for something that the real module alone can tell."""

    slug = "stand-in-refused"

    def __init__(
        self, fullname: str, *, operation: str = "", asked: str = "", source: str = "", setting: str = ""
    ) -> None:
        """
        Args:
            fullname: The module that the stand-in stands in for.
            operation: What was asked, such as ``"len()"``.
            asked: Of what, as an expression that people can read.
            source: Who asked for the stand-in.
            setting: What to assign to, so that there is an answer; empty where there is no such thing.
        """
        super().__init__(fullname)
        self.fullname = fullname
        self.operation = operation
        self.asked = asked
        self.source = source
        self.setting = setting

    def __str__(self) -> str:
        remedies = [f'To have the real one, take heavy_module("{self.fullname}"), or the fixture of its declaration.']
        if self.setting:
            remedies.append(f"To go on with a value of your own, configure it: {self.setting} = ...")
        return _message(
            f"{self.operation} was asked of {self.asked}, and there is no answer: {self.fullname!r} is a stand-in.",
            {"put in": self.source},
            "\n".join(remedies),
        )


class CudaMemoryLeaked(HeavyImportsError):
    """A test left memory of a CUDA device allocated."""

    slug = "cuda-memory-leaked"

    def __init__(self, nodeid: str, *, device: str = "", size: str = "", tensors: str = "", unheld: str = "") -> None:
        """
        Args:
            nodeid: The test.
            device: Which device, as ``cuda:0``.
            size: How much, for people.
            tensors: The largest tensors that hold it, with their shapes and types.
            unheld: How much of it no tensor of Python's holds; empty where they hold it all.
        """
        super().__init__(nodeid)
        self.nodeid = nodeid
        self.device = device
        self.size = size
        self.tensors = tensors
        self.unheld = unheld

    def __str__(self) -> str:
        return _message(
            f"{self.nodeid!r} left {self.size} allocated on {self.device}.",
            {"tensors": self.tensors, "unheld": self.unheld},
            LEAK_REMEDY,
        )


class ForkRefused(HeavyImportsError):
    """A test that was to be run in a process by fork can't be: its first parallel operation would hang there."""

    slug = "fork-refused"

    def __init__(self, nodeid: str, *, fault: str = "", where: str = "", anew: str = "") -> None:
        """
        Args:
            nodeid: The test.
            fault: Why the process that has collected it can't be forked.
            where: Where that came about.
            anew: Why one that has collected nothing can't be either.
        """
        super().__init__(nodeid)
        self.nodeid = nodeid
        self.fault = fault
        self.where = where
        self.anew = anew

    def __str__(self) -> str:
        return _message(
            f"{self.nodeid!r} can't be run in a process by fork: there, what is computed could hang for ever.",
            {"this process": self.fault, "where": self.where, "a new one": self.anew},
            FORK_REMEDY,
        )


class IsolatedTestDied(HeavyImportsError):
    """The process of an isolated test ended before the test did."""

    slug = "isolated-test-died"

    def __init__(self, nodeid: str, *, end: str = "", trace: str = "", output: str = "", remedy: str = "") -> None:
        """
        Args:
            nodeid: The test.
            end: What ended the process, in words.
            trace: Where it was, innermost first; one or more lines.
            output: The last lines that it wrote.
            remedy: What to type instead, where that is known.
        """
        super().__init__(nodeid)
        self.nodeid = nodeid
        self.end = end
        self.trace = trace
        self.output = output
        self.remedy = remedy

    def __str__(self) -> str:
        headline = f"{self.end[:1].upper()}{self.end[1:]}."
        return _with_texts(headline, {"where": self.trace, "output": self.output}, self.remedy)


class MessageRefused(HeavyImportsError):
    """What came in over the socket of a warm process is no message that it could be."""

    slug = "message-refused"

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault

    def __str__(self) -> str:
        return f"The message is refused: {self.fault}."


class NoWarmProcess(HeavyImportsError):
    """There is no warm process that could do it, so that the run is a plain one."""

    slug = "no-warm-process"

    def __init__(self, why: str, *, is_final: bool = True, has_begun: bool = False) -> None:
        """
        Args:
            why: The reason, as a part of a sentence.
            is_final: Whether another process couldn't do it either.
            has_begun: Whether some of the tests may have run, so that it must not be done again.
        """
        super().__init__(why)
        self.why = why
        self.is_final = is_final
        self.has_begun = has_begun

    def __str__(self) -> str:
        return self.why


class HarmfulImport(HeavyImportsError):
    """An import does something in a warm process that it must not do before a run."""

    slug = "harmful-import"

    def __init__(self, fullname: str, *, fault: str = "") -> None:
        super().__init__(fullname)
        self.fullname = fullname
        self.fault = fault

    def __str__(self) -> str:
        return f"{self.fullname!r} is not imported before a run: {self.fault}."


class CommandRefused(HeavyImportsError):
    """The command ``heavyimports`` can't do what was asked; exit status 2."""

    slug = "command-refused"

    def __init__(self, fault: str, *, remedy: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.fault}. {self.remedy}".rstrip()


class HeavyImportWarning(UserWarning):
    """What would break, or change, the tests after it was put right, or is told; the message names the place."""

    __module__ = PUBLIC
    slug: ClassVar[str] = "heavy-import-warning"


def is_silence_asked_for(filters: Iterable[object]) -> bool:
    """Whether filters of warnings ignore ours by their name."""
    texts = [str(each).strip() for each in filters]
    return any(text.startswith("ignore") and HeavyImportWarning.__name__ in text for text in texts)


RELOAD_REMEDY = """\
To change a module for one test, use monkeypatch.setattr, which puts it back. To run its import again, do that in a
process of its own: subprocess.run([sys.executable, "-c", ...])."""

EVICTION_REMEDY = """\
To ask whether an import stays light, use the fixture import_probe, which asks a clean interpreter:
assert "torch" not in import_probe("app.cli"). To take a module out for one test, use
monkeypatch.delitem(sys.modules, ...), which puts it back. What is first imported inside of patch.dict(sys.modules, ...)
is thrown out at its end: import it before, or set heavy_preload = true."""

FAKE_REMEDY = """\
Put a fake in with monkeypatch.setitem(sys.modules, ...) or patch.dict(sys.modules, ...), which take it out again."""

FAKE_KEPT_REMEDY = """\
Import the code under test before the fake is put in, and patch its names: monkeypatch.setattr("{name}", ...).
To have it imported with the fake, use patch.dict(sys.modules, ...), which takes out what was imported inside."""

IN_TIME = "import it before, or set heavy_preload = true"
DECLARED_IN_TIME = "import it before, or declare it in heavy_modules and set heavy_preload = true"

REMEDIES = {
    "del": """\
To ask whether an import stays light, use the fixture import_probe, which asks a clean interpreter:
assert "{name}" not in import_probe("app.cli"). To take a module out for one test, use
monkeypatch.delitem(sys.modules, "{name}"), which puts it back.""",
    "clear": """\
sys.modules.clear() takes out every module, those too that can't be initialised twice. Take out your own alone, by name:
monkeypatch.delitem(sys.modules, "app.cli", raising=False).""",
    "purge": """\
Let the loop take out your own modules alone, and leave {name!r} where it is. To ask whether an import stays light, use
the fixture import_probe, which asks a clean interpreter: assert "{name}" not in import_probe("app.cli").""",
    "patch.dict": """\
What is first imported inside of patch.dict(sys.modules, ...) is thrown out at its end. So has {name!r} been:
{in_time}.""",
    "snapshot": """\
What is first imported after a copy of sys.modules was made is thrown out when the copy is put back. So has {name!r}
been: {in_time}. Or put back your own modules alone.""",
    "pytester": """\
What is first imported by a pytest in this process is thrown out at its end. Run it in a process of its own, by
pytester.runpytest_subprocess() or by heavy_runpytest = fork. Or, as to {name!r}, {in_time}.""",
    "undo": """\
Nothing undoes this. Use patch.dict as a with statement or a decorator, call the patcher's stop() in a finalizer, or
take the fixture monkeypatch, which is undone by itself.""",
    "put": FAKE_REMEDY,
}
"""What to type instead of what was done."""

REIMPORT_REMEDY = """\
To execute your own modules anew, take out those alone, and leave {name!r} where it is. To import {name!r} for the
first time once more, use an interpreter of its own: the fixture import_probe, or
@pytest.mark.heavy_isolated(method="spawn")."""

LEAK_REMEDY = """\
Something that outlives the test holds it: a global, a cache, a hook, a fixture that has grown since its setup.
To allow so much, set heavy_cuda_leak_tolerance, in bytes."""

STATE_REMEDY = """\
To change a flag for one test, use monkeypatch.setattr or torch's own context manager; a seed, torch.random.fork_rng."""

HALF_REMEDY = """\
To have it whole before anything can break it off, declare it in heavy_modules and set heavy_preload = true."""

COPY_REMEDIES = {
    "import": """\
Import it by one of the two names alone, and leave one of the two directories out of sys.path (pythonpath, PYTHONPATH,
or rootdir/conftest.py where a package lacks its __init__.py).""",
    "exec_module": """\
Take the module that there is: importlib.import_module(...). For a copy of your own, use a process of its own, as by the
mark heavy_isolated(method="spawn").""",
    "runpy": """\
To run a module as a script, do that in a process of its own: subprocess.run([sys.executable, "-m", ...]).""",
}

FORK_REMEDY = """\
To have an interpreter of its own for it, use @pytest.mark.heavy_isolated(method="spawn"), or leave method out. To have
it forked, compute nothing, and ask CUDA for nothing, where files are collected or conftest.py files imported."""

HALF_WHY = "its finished submodules are attached to a package that is gone, and can't be initialised twice"


def displaced_remedy(kind: str, fullname: str, *, is_declared: bool) -> str:
    """
    What to type instead of what has displaced a module; empty where that is not known.

    Args:
        kind: That of ``guard.evidence.How``.
        fullname: The module.
        is_declared: Whether it is declared, so that ``heavy_preload`` imports it.
    """
    return REMEDIES.get(kind, "").format(name=fullname, in_time=IN_TIME if is_declared else DECLARED_IN_TIME)


def coverage_remedy(source: str) -> str:
    """What to type so that coverage imports nothing to find its source."""
    package = source.partition(".")[0]
    return f"Measure the whole package: --cov={package}. To find {source}, coverage imports the packages it lies in."


def reimport_remedy(fullname: str) -> str:
    """What to type instead of throwing a module out and importing it again."""
    return REIMPORT_REMEDY.format(name=fullname)


def registered_before(fullname: str, package: str) -> str:
    """The note on the error of an own module that may have been executed a second time."""
    return (
        f"{fullname!r} imports {package!r}, which was thrown out of sys.modules and is the same as before: what "
        f"{fullname!r} has registered there can't be registered again.\n"
        f"If it was thrown out as well, keep it with the package: heavy_protect = {fullname}"
    )


def reload_ignored(fullname: str, *, first: str = "", again: str = "", why: str = "") -> HeavyImportWarning:
    """The warning in place of :class:`ReloadRefused` where the guard gives the module back instead."""
    return HeavyImportWarning(
        _message(
            f"{fullname!r} was not reloaded: the module was given back as it is.",
            {"first": first, "reload": again, "why": why},
            RELOAD_REMEDY,
        )
    )


def imported_under_fake(fullname: str, *, fake: str, taken_by: str, first: str) -> HeavyImportWarning:
    """The warning about a module that is broken for good, since something that it needs was a fake."""
    return HeavyImportWarning(
        _message(
            f"{fullname!r} was first imported while a fake of {fake!r} was in its place: what it took from there is "
            "broken for the rest of this process.",
            {"first": first, "fake by": taken_by},
            f"Import {fullname} before the fake is put in: declare it in heavy_modules and set heavy_preload = true.",
        )
    )


def fake_kept(fullnames: Sequence[str], *, fake: str, taken_by: str, holder: str) -> HeavyImportWarning:
    """The warning about modules of the code under test that have kept a fake after it was taken out."""
    what = " and ".join(filter(None, [", ".join(map(repr, fullnames[:-1])), repr(fullnames[-1])]))
    is_one = len(fullnames) == 1
    became = f"The next import executes {'it' if is_one else 'them'} anew"
    if holder:
        became = f"{what} {'is' if is_one else 'are'} left as before, since {holder!r} uses it"
    return HeavyImportWarning(
        _message(
            f"{what} {'has' if is_one else 'have'} kept a fake of {fake!r}, which was in place at the first import. "
            f"{became}.",
            {"fake by": taken_by},
            FAKE_KEPT_REMEDY.format(name=f"{fullnames[0]}.{fake.rpartition('.')[2]}"),
        )
    )


def executed_again(fullname: str, *, copy: str, how: str, first: str, again: str) -> HeavyImportWarning:
    """The warning about the file of a module that is executed a second time; *how* is a key of COPY_REMEDIES."""
    what = f"as {copy!r}" if copy != fullname else "under its own name"
    return HeavyImportWarning(
        _message(
            f"The file of {fullname!r} is executed a second time, {what}, by {how}: there are two of each class and "
            "registry in it.",
            {"first": first, "again": again},
            COPY_REMEDIES[how],
        )
    )


def left_alone(fullnames: Sequence[str], users: Sequence[str], *, taken_by: str) -> HeavyImportWarning:
    """The warning about packages that were thrown out together with modules that use them."""
    others = f" and {len(fullnames) - 1} more" if len(fullnames) > 1 else ""
    whom = ", ".join(map(repr, users))
    return HeavyImportWarning(
        _message(
            f"{fullnames[0]!r}{others} {'were' if others else 'was'} thrown out of sys.modules together with {whom}. "
            "All are left out, and the next import executes them again, as without the guard.",
            {
                "taken by": taken_by,
                "why": f"{fullnames[0]!r} alone, put back, could refuse what {whom} may register there",
            },
            f"To have them kept and put back, add to heavy_protect: {', '.join(users)}.",
        )
    )


def initialised_elsewhere(fullname: str) -> str:
    """The note on an error of a module that another interpreter of this process has initialised first."""
    return (
        f"{fullname!r} was initialised before, in another interpreter of this process (a sub-interpreter), and its C "
        "state can't be had twice: whoever imports it here has done nothing wrong.\n"
        "Give the test that uses the sub-interpreter a process of its own: "
        '@pytest.mark.heavy_isolated(method="spawn").'
    )


def imported_without(
    fullname: str, *, lack: str, others: Iterable[str] = (), asker: str, blocked_by: str, first: str
) -> HeavyImportWarning:
    """The warning about a module that goes without another one for good, since that was blocked when it asked."""
    lacks = ", ".join(map(repr, (lack, *others)))
    return HeavyImportWarning(
        _message(
            f"{fullname!r} was first imported while {lacks} was blocked in sys.modules (None): it goes without it for "
            "the rest of this process.",
            {"first": first, "blocked by": blocked_by, "asked by": asker},
            f"To play that {lack} is not installed, use the fixture hide_modules, which first imports what is declared:"
            f"\ndeclare {fullname} in heavy_modules.",
        )
    )


def torch_changed(nodeid: str, changes: Iterable[tuple[str, str, str]]) -> HeavyImportWarning:
    """The warning about flags and seeds of torch: each with its values before and after the test."""
    facts = {name: f"{before}, now {after}" for name, before, after in changes}
    return HeavyImportWarning(_message(f"{nodeid!r} left torch changed for the tests after it.", facts, STATE_REMEDY))


def _message(headline: str, facts: dict[str, str], remedy: str) -> str:
    """Who and what; one known fact a line; what to type."""
    told = {name: fact for name, fact in facts.items() if fact}
    width = max(map(len, told), default=0) + 1
    return "\n".join([headline, *(f"  {f'{name}:':<{width}} {fact}" for name, fact in told.items()), remedy])


def _with_texts(headline: str, texts: dict[str, str], remedy: str) -> str:
    """Who and what; texts of several lines, each under its title; what to type."""
    told = [headline]
    for title, lines in texts.items():
        told += [f"  {title}:", *(f"    {line}" for line in lines.splitlines())] if lines else []
    return "\n".join([*told, remedy] if remedy else told)


def add_note(error: BaseException, note: str) -> None:
    """``BaseException.add_note``, once a note. Python 3.10 lacks it, and pytest shows the notes there too."""
    notes = getattr(error, "__notes__", ())
    if note not in notes:
        error.__notes__ = [*notes, note]  # type: ignore[attr-defined]  # 3.11
