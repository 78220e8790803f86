"""The command ``heavyimports``: a table of sub-commands, each of which loads what it needs when it is called."""

from __future__ import annotations

import os
import sys

from . import __version__

TYPE_CHECKING = False  # typing takes longer to import than `heavyimports run` takes for all that it does
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMANDS = {
    "doctor": ("doctor.commands:doctor", "run the suite once, and say what breaks, what is slow, and what helps"),
    "run": ("warm.client:run", "run pytest in a process that has the heavy modules imported already"),
    "status": ("warm.commands:status", "show the warm processes"),
    "stop": ("warm.commands:stop", "end the warm processes"),
    "scan": ("scan.commands:scan", "find what makes test files heavy, and what breaks heavy modules"),
    "fix": ("scan.commands:fix", "move imports of heavy modules out of test functions"),
    "split": ("scan.commands:split", "part files of which only some tests are heavy into a light and a heavy one"),
}
"""By name: ``module:function``, which takes the remaining arguments and gives the exit status; what it does."""

WRONG_USAGE = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; what it refuses is told in a line, with exit status 2."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name == "--version":
        print(f"heavyimports {__version__}")
        return 0
    if name not in COMMANDS:
        fault = f"{name!r} is none of {', '.join(COMMANDS)}." if name else "a command is missing."
        print(f"{usage()}\n\nheavyimports: {fault}", file=sys.stderr)
        return WRONG_USAGE
    try:
        return _load(COMMANDS[name][0])(rest)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who reads our output has had enough, as `head` has. Python would say so again while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        from .errors import CommandRefused  # here: `heavyimports run` needs none of them

        if not isinstance(error, CommandRefused):
            raise
        print(f"heavyimports {name}: {error}", file=sys.stderr)
        return WRONG_USAGE


def usage() -> str:
    """What ``heavyimports --help`` shows."""
    width = max(map(len, COMMANDS))
    lines = (f"  {name:<{width}}  {what}" for name, (_, what) in COMMANDS.items())
    return "\n".join(
        [
            "usage: heavyimports COMMAND [ARGUMENTS]",
            "",
            *lines,
            "",
            "heavyimports COMMAND --help tells its arguments.",
        ]
    )


def _load(reference: str) -> Callable[[Sequence[str]], int]:
    module, _, function = reference.partition(":")
    fullname = f"{__package__}.{module}"
    __import__(fullname)
    command: Callable[[Sequence[str]], int] = getattr(sys.modules[fullname], function)
    return command
