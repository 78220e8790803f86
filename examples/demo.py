"""
The two suites of this folder, one after the other: the one that breaks, without the plugin; the pipeline's, with it.

Exit status 0 if both came out as the README says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
KNOWN_ERRORS = (
    "function '_has_torch_function' already has a docstring",
    "Only a single TORCH_LIBRARY can be used to register the namespace triton",
)


def run(suite: str, *arguments: str) -> str:
    """Run a suite's tests in its own folder, show the output, and return it."""
    command = [sys.executable, "-m", "pytest", *arguments]
    print(f"\n$ cd examples/{suite} && python {' '.join(command[1:])}", flush=True)
    # Colour, where the terminal has it: pytest sees a pipe here.
    colour = {"FORCE_COLOR": "1"} if sys.stdout.isatty() else {}
    lines = []
    with subprocess.Popen(
        command,
        cwd=EXAMPLES / suite,
        env=os.environ | colour,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return "".join(lines)


def main() -> int:
    """Both suites; says at the end what was seen."""
    broken = run("broken_suite", "-q", "-p", "no:heavyimports", "-W", "ignore")
    whole = run("worker_pipeline", "-p", "no:randomly")
    seen = [error for error in KNOWN_ERRORS if error in broken]
    print("\nWithout the plugin, in the suite with the habits that break:")
    for error in seen:
        print(f"  RuntimeError: {error}")
    print("With it, the worker pipeline: " + ("17 passed." if "17 passed" in whole else "NOT 17 passed."))
    return 0 if len(seen) == len(KNOWN_ERRORS) and "17 passed" in whole else 1


if __name__ == "__main__":
    sys.exit(main())
