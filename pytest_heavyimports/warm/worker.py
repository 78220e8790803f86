"""
Stands for an interpreter that execnet starts: ``python -I -S worker.py DIRECTORY NAME -u -c CODE``.

The code runs in a child of a warm process, with this one's files and situation. Only its exit status comes back here.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Have the code run; in this process's place where there is no warm one."""
    from pytest_heavyimports.warm.client import HAS_DIED, Connection, accompany, connect, end_as, open_files, situation
    from pytest_heavyimports.warm.key import open_directory
    from pytest_heavyimports.warm.wire import join

    place, name, *arguments = sys.argv[1:]
    try:
        connection: Connection | None = connect(open_directory(place), name)
        if connection is None:
            raise ConnectionRefusedError("the warm process has ended")
        files = open_files()
        connection.send(situation("worker", files, arguments=join(arguments)), files)
        return end_as(accompany(connection))
    except (OSError, RuntimeError) as error:
        if getattr(error, "has_begun", False):
            return HAS_DIED  # and pytest-xdist does what it does when a worker crashes
        print(f"--heavy-warm: this worker is a plain one: {error}.", file=sys.stderr, flush=True)
        os.execv(sys.executable, [sys.executable, *arguments])


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    sys.exit(main())
