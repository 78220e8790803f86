"""
The interpreter that ``fresh.py`` forks from. It imports nothing but what each interpreter has: a child is to be fresh.

A request comes by stdin, marshalled: code, arguments, path, directory, variables, and the files for stdout and stderr.
The answer goes to stdout: the child's status, as from ``os.waitpid``. The end of stdin ends the process.
"""

import gc
import marshal
import os
import sys


def serve():
    """Fork a child for each request; gives the child its code, and None where there are no more requests."""
    while True:
        try:
            code, arguments, path, directory, variables, *files = marshal.load(sys.stdin.buffer)
        except EOFError:
            return None
        pid = os.fork()
        if pid:
            sys.stdout.buffer.write(marshal.dumps(os.waitpid(pid, 0)[1]))
            sys.stdout.buffer.flush()
            continue
        for descriptor, file in enumerate((os.devnull, *files)):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC), descriptor)
        sys.argv[:] = ["-c", *arguments]
        sys.path[:0] = ["", *path]
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(variables)
        site = sys.modules["site"]
        site.USER_BASE = site.USER_SITE = None  # PYTHONUSERBASE may be another one
        return code


del sys.path[0]  # the directory of this file
for preloaded in sys.argv[1:]:
    __import__(preloaded)
gc.freeze()  # what a child shares, its collections need not look at
code = serve()
if code is not None:
    exec(code, {"__name__": "__main__"})
    sys.stdout.flush()
    os._exit(0)  # Python's own shutdown would take most of a child's time
