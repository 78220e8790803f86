"""``heavyimports doctor``: arguments, the run that is looked at, what is shown, exit status."""

from __future__ import annotations

# Imports in functions: arguments are read first.
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CommandRefused
from ..process.interpreter import interpreter_flags

if TYPE_CHECKING:
    from ..config.changes import Change
    from .configuration import Proposal
    from .records import Diagnosis, SeenRun

PLUGINS = ("-p", "heavyimports", "-p", f"{__package__}.flag_hooks")
USAGE_ERROR, NO_TESTS, INTERNAL_ERROR, INTERRUPTED = 4, 5, 3, 2
"""Exit statuses of pytest."""
DIED = 128
"""Added to the number of a signal, as shells do."""
NOTHING_KNOWN = (
    "pytest has run no tests that this plugin has seen: -p no:heavyimports switches it off, an option such as "
    "--fixtures only shows something, or os._exit has ended the run."
)
INSTALL = "Type pip install 'pytest-heavyimports[scan]'."


def doctor(arguments: Sequence[str]) -> int:
    """Run the suite once, and say what it suffers from and what helps."""
    given, rest = _read(arguments)
    with tempfile.TemporaryDirectory(prefix="heavyimports-doctor-") as folder:
        run = _look_at(rest, Path(folder), is_text=given.format == "text")
    if isinstance(run, int):
        return run
    from ..facts.distributions import is_installed, locate
    from .diagnosis import diagnose

    def has_installed(name: str) -> bool:
        spec = locate(name)
        return spec is not None and is_installed(spec)

    diagnosis = diagnose(run, has_installed, has_lazy=sys.version_info >= (3, 15))
    change, fault = _change(diagnosis)
    if given.format == "json":
        _show_document(diagnosis, change, fault)
    else:
        _show_text(diagnosis, change, fault, is_written=given.write, is_verbose=_is_verbose(rest))
    if given.write:
        _write(change, fault)
    if given.write and not change and given.format == "text":
        print("There is nothing to write.")
    return int(given.check and bool(diagnosis.breaks))


def _read(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own arguments, and those of pytest."""
    parser = argparse.ArgumentParser(
        prog="heavyimports doctor",
        usage="heavyimports doctor [-h] [--write] [--check] [--format {text,json}] [pytest arguments]",
        description="Run the suite once, and say what breaks heavy modules, what is slow, and what helps.",
        epilog="All other arguments are pytest's. With -v everything is shown, and one screen otherwise.",
        allow_abbrev=False,
    )
    parser.add_argument("--write", action="store_true", help="write the proposed settings into the configuration")
    parser.add_argument("--check", action="store_true", help="exit status 1 if something breaks heavy modules")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to show it (default: text)")
    return parser.parse_known_args(list(arguments))


def _is_verbose(arguments: Sequence[str]) -> bool:
    return any(each == "--verbose" or (each[:2] == "-v" and set(each[1:]) == {"v"}) for each in arguments)


def _look_at(arguments: Sequence[str], folder: Path, *, is_text: bool) -> SeenRun | int:
    """The run; or the exit status of one that there is nothing to say of, after a sentence on stderr."""
    from .reading import read_run

    script = os.path.join(os.path.dirname(sys.executable), "pytest")
    program = [script] if os.path.exists(script) else ["-m", "pytest"]
    command = [sys.executable, *interpreter_flags(), *program, *PLUGINS, f"--heavy-doctor={folder}", *arguments]
    begun_s, begun = time.time(), time.perf_counter()
    sys.stdout.flush()
    # What pytest prints is the progress; where stdout is for a machine it goes to stderr.
    with subprocess.Popen(command, stdout=None if is_text else sys.stderr) as child:
        status = _wait(child)
    run = read_run(folder, arguments, status=status, begun_s=begun_s, wall_s=time.perf_counter() - begun)
    if run is None and status == 0:
        return 0  # --version, and its like
    told = _why_not(run, status)
    if told or run is None:
        print(f"heavyimports doctor: {told}", file=sys.stderr)
        return DIED - status if status < 0 else status or 1
    return run


def _wait(child: subprocess.Popen[bytes]) -> int:
    """How it ended. Ctrl-C reaches it as well: it is waited for."""
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def _why_not(run: SeenRun | None, status: int) -> str:
    """Why there is nothing to say of a run; empty where there is."""
    from ..process.ending import end_in_words

    if status == USAGE_ERROR:
        return "pytest could not start, for the reason above (exit status 4)."
    if status == NO_TESTS:
        return "no tests ran (exit status 5)."
    if status == INTERNAL_ERROR:
        return "pytest had an internal error (exit status 3)."
    if run is not None and run.is_interrupted:
        return "the run was interrupted. Half a run says nothing."
    if run is None:
        return f"pytest could not start: {end_in_words(status)}."
    if not run.is_complete and not run.sights:
        if 0 <= status <= 1:
            return NOTHING_KNOWN
        return f"{end_in_words(status)}, and nothing was seen that breaks heavy modules."
    return ""


def _change(diagnosis: Diagnosis) -> tuple[Change | None, str]:
    """The change of the configuration, ``None`` where there is none to make; why it can't be made."""
    from .configuration import change_for, settings_for

    run = diagnosis.run
    settings = settings_for(diagnosis)
    if not settings:
        return None, ""
    if run.inifile.endswith(".toml") and find_spec("tomlkit") is None:
        return None, _by_hand(settings, run.inifile, "tomlkit is not installed")
    try:
        return change_for(settings, inifile=run.inifile, root_directory=run.root), ""
    except (CommandRefused, OSError) as error:
        return None, _by_hand(settings, run.inifile, str(error).rstrip("."))


def _by_hand(settings: Proposal, inifile: str, why: str) -> str:
    """What to type where no diff can be made."""
    return "\n".join(
        [f"{why}: add this to {os.path.basename(inifile) or 'pytest.ini'} by hand. {INSTALL}", *settings.lines()]
    )


def _show_document(diagnosis: Diagnosis, change: Change | None, fault: str) -> None:
    from ..config.changes import diff
    from .output import document

    lines = list(diff(change)) if change else []
    print(json.dumps(document(diagnosis, file=change.shown if change else "", diff=lines, fault=fault), indent=2))


def _show_text(diagnosis: Diagnosis, change: Change | None, fault: str, *, is_written: bool, is_verbose: bool) -> None:
    from ..config.changes import diff
    from .output import WRITE, Configuration, text

    configuration = Configuration("", ())
    if change:
        title = f"WRITTEN into {change.shown}" if is_written else f"TYPE  {WRITE}"
        configuration = Configuration(title, tuple(tuple(diff(change, context=number)) for number in range(4)))
    elif fault:
        title, *lines = fault.splitlines()
        configuration = Configuration(title, (tuple(lines),))
    print("", *text(diagnosis, configuration, is_verbose=is_verbose), sep="\n")


def _write(change: Change | None, fault: str) -> None:
    if fault:
        raise CommandRefused(fault.splitlines()[0])
    if change:
        from ..config.changes import write_all

        write_all([change])
