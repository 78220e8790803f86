"""
Stands for an interpreter that execnet starts: ``python -I -S worker.py DIRECTORY NAME -u -c CODE``.

The code runs in a child of a warm process, with this one's files and situation. Only its exit status comes back here.
"""

from __future__ import annotations

# Imports in functions: it is given no path to this package before it has begun.
import os
import sys


def main() -> int:
    """Have the code run; in this process's place where there is no warm one."""
    from pytest_heavyimports.warm import client
    from pytest_heavyimports.warm.connection import connect
    from pytest_heavyimports.warm.key import open_directory
    from pytest_heavyimports.warm.wire import join

    place, name, *arguments = sys.argv[1:]
    try:
        connection = connect(open_directory(place), name)
        if connection is None:
            raise ConnectionRefusedError("the warm process has ended")
        if fault := client.sandbox():
            raise PermissionError(fault)
        files = client.open_files()
        request = client.situation("worker", files, arguments=join(arguments))
        status = client.accompany(connection, request, files)
    except (OSError, RuntimeError) as error:
        if getattr(error, "has_begun", False):
            return client.UNKNOWN_END  # and pytest-xdist does what it does when a worker crashes
        print(f"--heavy-warm: this worker is a plain one: {error}.", file=sys.stderr, flush=True)
        os.execv(sys.executable, [sys.executable, *arguments])
    return client.end_as(status)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    sys.exit(main())
