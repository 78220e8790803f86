"""
The interpreter that ``fresh.py`` forks from. It imports only what each interpreter has imported when it starts.

A request comes by stdin, marshalled: code, arguments, path, directory, variables, and the files for stdout and stderr.
The answer goes to stdout, marshalled: the exit status of the child, as in ``subprocess``. The request ``None`` asks
whether the interpreter is there, and is answered by ``None``. The end of stdin ends the process.
"""

import gc
import marshal
import os
import sys


def serve():
    """Fork a child for each request. Returns the child's code, and ``None`` when stdin has ended."""
    while True:
        try:
            request = marshal.load(sys.stdin.buffer)
        except EOFError:
            return None
        pid = request and os.fork()
        if not request or pid:
            answer = pid and os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            sys.stdout.buffer.write(marshal.dumps(answer))
            sys.stdout.buffer.flush()
            continue
        code, arguments, path, directory, variables, *files = request
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
gc.freeze()  # a child shares these objects: its collections need not look at them
code = serve()
if code is not None:
    exec(code, {"__name__": "__main__"})
    sys.stdout.flush()
    os._exit(0)  # Python's own shutdown would take most of a child's time
