"""
A project with installed packages of its own, run by pytest and by ``heavyimports run``: what differs between the two.

Packages read something when they are imported and do something to others; test files import them and write down what
they find. What both runs write is the same, or one of them is wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("za", "zb", "zc")
VARIABLES = ("VAR_A", "VAR_B")
OPTIONAL = "zoptional"
LIMIT_S = 120

READS = {
    "by name": "os.environ.get('VAR_A')",
    "by walking": "sorted(item for item in os.environ.items() if item[0].startswith('VAR_'))",
    "as bytes": "str(os.environb.get(b'VAR_B'))",
    "by C": "str((setattr(C, 'restype', __import__('ctypes').c_char_p), C(b'VAR_A'))[1])",
    "by a process": "subprocess.run(['printenv', 'VAR_B'], capture_output=True, text=True).stdout",
    "the directory": "os.getcwd()",
    "a file": "_text('conf')",
    "a file of the home": "_text(os.path.expanduser('~/.conf'))",
    "a file beside it": "_text(os.path.join(os.path.dirname(__file__), 'data'))",
    "a file by pathlib": "pathlib.Path('conf').read_text() if pathlib.Path('conf').is_file() else None",
    "a listing": "sorted(name for name in os.listdir() if name.startswith('conf'))",
    "a pattern": "sorted(str(path) for path in pathlib.Path.home().glob('.conf*'))",
    "whether it is there": "os.access(os.path.expanduser('~/.conf'), os.R_OK)",
    "an optional module": "_optional()",
    "whether a module is there": "importlib.util.find_spec('zoptional') is not None",
}
"""Expressions that a package evaluates when it is imported, in words."""
EFFECTS = {
    "a filter": "warnings.filterwarnings('ignore', category=Mine)",
    "a function": "json.dumps = lambda *_, **__: NAME",
    "a method": "json.JSONEncoder.default = lambda *_: NAME",
    "a builtin": "builtins.added = NAME",
    "a hook": "sys.excepthook = lambda *_: NAME",
    "a variable": "os.environ['SET'] = NAME",
    "a variable that is there": "os.environ['VAR_B'] = NAME",
    "a table": "copyreg.pickle(Mine, lambda _: NAME)",
    "the umask": "os.umask(0o027)",
    "a limit": "sys.setrecursionlimit(1234)",
    "a level": "logging.getLogger().setLevel(11)",
    "a handler": "signal.signal(signal.SIGUSR2, signal.SIG_IGN)",
    "an end": "atexit.register(lambda: pathlib.Path('ended').write_text(NAME))",
    "a codec": "codecs.register(lambda name: codecs.lookup('ascii') if name == 'zcodec' else None)",
    "a module not loaded yet": "import colorsys; colorsys.rgb_to_hsv = NAME",
    "a list": "mimetypes.add_type('x/z', '.z' + NAME)",
}
"""Statements of a package that change something for others."""
CHANCE = {
    "a generator": "CHANCE = random.Random()",
    "a number": "CHANCE = random.random()",
    "bytes": "CHANCE = os.urandom(8).hex()",
    "an identifier": "CHANCE = uuid.uuid4().hex",
}
HEAD = """\
import atexit, builtins, codecs, copyreg, importlib.util, json, logging, mimetypes, os, pathlib, random, signal
import subprocess, sys, time, uuid, warnings
BORN = time.monotonic_ns()
from ctypes import CDLL
C = CDLL(None).getenv
NAME = {name!r} + {version!r}
class Mine(UserWarning): ...
def _text(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None
def _optional():
    try:
        import zoptional
    except ImportError:
        return None
    return zoptional.V
"""
LOOK = """\
import json as _json, os, sys
_dumps = _json.JSONEncoder().encode

def look():
    import builtins, colorsys, copyreg, json, logging, mimetypes, random, signal, warnings
    mask = os.umask(0); os.umask(mask)
    try:
        codec = "".encode("zcodec")
    except LookupError:
        codec = "none"
    seen = {
        "patched": str(json.dumps(1)), "default": json.JSONEncoder.default.__name__,
        "added": getattr(builtins, "added", None), "hook": sys.excepthook.__name__, "set": os.environ.get("SET"),
        "b": os.environ.get("VAR_B"), "table": len([c for c in copyreg.dispatch_table if c.__name__ == "Mine"]),
        "umask": mask, "limit": sys.getrecursionlimit(), "level": logging.getLogger().level,
        "handler": str(signal.getsignal(signal.SIGUSR2)), "codec": str(codec), "colour": str(colorsys.rgb_to_hsv)[:9],
        "types": sorted(t for t in mimetypes.types_map if t.startswith(".z")),
        "filters": sorted(f[2].__module__ for f in warnings.filters if f[2].__name__ == "Mine"),
        "modules": sorted(name for name in sys.modules if name.partition(".")[0] in ("za", "zb", "zc", "zoptional")),
    }
    for name in ("za", "zb", "zc"):
        module = sys.modules.get(name)
        if module is not None:
            seen[name] = [module.NAME, module.V]
            with open(os.environ["BORN"], "a") as file:
                file.write(f"{getattr(module, 'BORN', 0)}\\n")
            chance = getattr(module, "CHANCE", None)
            if chance is not None:
                drawn = chance.random() if hasattr(chance, "random") else chance
                with open(os.environ["DRAWN"], "a") as file:
                    file.write(f"{os.getpid()} {name} {drawn}\\n")
    return seen

def note(name):
    with open(os.environ["SEEN"], "a") as file:
        file.write(_dumps([name, look()]) + "\\n")
"""
"""Of the test files: a module of the project, so imported anew by each run."""
BEFORE = {
    "nothing": "",
    "a variable": "monkeypatch.setenv('VAR_A', 'of a test')",
    "another variable": "monkeypatch.setenv('OTHER', 'of a test')",
    "a directory": "monkeypatch.chdir(pathlib.Path.home())",
    "no optional module": "monkeypatch.setitem(sys.modules, 'zoptional', None)",
    "a fake of one": "monkeypatch.setitem(sys.modules, 'zoptional', types.SimpleNamespace(V='fake'))",
    "an entry of sys.path": "monkeypatch.syspath_prepend(pathlib.Path(__file__).with_name('more'))",
    "errors for warnings": "warnings.simplefilter('error')",
}
"""What a test does before it imports a package, in its function."""
CONFTESTS = {
    "none": None,
    "a variable": "import os\nos.environ['VAR_A'] = 'of conftest'\n",
    "another variable": "import os\nos.environ['OTHER'] = 'of conftest'\n",
    "a directory": "import os\nos.chdir(os.environ['HOME'])\n",
    "a module": "import sys, types\nsys.modules['zoptional'] = types.SimpleNamespace(V='of conftest')\n",
    "an import": "import za\n",
    "an entry of sys.path": "import pathlib, sys\nsys.path.insert(0, str(pathlib.Path(__file__).with_name('more')))\n",
    "a finder": (
        "import sys\nclass Finder:\n    def find_spec(self, *_):\n        pass\nsys.meta_path.insert(0, Finder())\n"
    ),
}


class Seen(NamedTuple):
    """What a run has left."""

    status: int
    outcomes: list[str]
    notes: list[str]
    files: dict[str, str]


class Project:
    """A project, its packages, its home, and its warm processes."""

    def __init__(self, base: Path) -> None:
        self.base = base
        for name in ("run", "cache", "home", "project", "project/more", "site", "temporary"):
            (base / name).mkdir(mode=0o700, parents=True)
        self.home = base / "home"
        self.path = base / "project"
        self.site = base / "user" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
        self.site.mkdir(parents=True)
        self.variables: dict[str, str] = {}
        self.inherited = self.executed = 0
        """So often a test has found a package that was executed before its run, and during it."""
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ},
            "HOME": str(self.home),
            "PYTHONUSERBASE": str(base / "user"),
            "PYTHONPATH": str(self.site),
            "XDG_RUNTIME_DIR": str(base / "run"),
            "XDG_CACHE_HOME": str(base / "cache"),
            "TMPDIR": str(base / "temporary"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SEEN": str(base / "seen"),
            "DRAWN": str(base / "drawn"),
            "BORN": str(base / "born"),
        }
        self.write("pytest.ini", "[pytest]\n")
        self.write("look.py", LOOK)

    def write(self, name: str, text: str | None) -> None:
        """Write a file of the project, or take it away."""
        if text is None:
            (self.path / name).unlink(missing_ok=True)
        else:
            (self.path / name).write_text(text)

    def install(self, name: str, version: str, body: str) -> None:
        """Install a package, in the place of an older one."""
        for old in self.site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        folder = self.site / name
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text(HEAD.format(name=name, version=version) + body)
        (folder / "part.py").write_text(f"PART = {version!r}\n")
        info = self.site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/part.py,,\n{info.name}/METADATA,,\n")

    def plain(self, *arguments: str, directory: str = ".") -> Seen:
        """Run pytest."""
        return self._run("-m", "pytest", *arguments, directory=directory)

    def warm(self, *arguments: str, directory: str = ".") -> tuple[Seen, str]:
        """Run ``heavyimports run``, and wait until its process has imported what that had to import; what it says."""
        born = self.base / "born"
        born.unlink(missing_ok=True)
        began = time.monotonic_ns()
        seen = self._run("-m", "pytest_heavyimports", "run", *arguments, directory=directory)
        if born.exists():
            self.inherited += sum(0 < int(line) < began for line in born.read_text().split())
            self.executed += sum(int(line) > began for line in born.read_text().split())
        self.command("status")
        return seen, self._errors

    def command(self, name: str) -> None:
        """Call ``heavyimports status`` or ``stop``."""
        command = [sys.executable, "-m", "pytest_heavyimports", name]
        subprocess.run(command, env=self._environment, cwd=self.base, capture_output=True, check=True, timeout=LIMIT_S)

    def draws_again(self) -> str:
        """Something that was drawn by chance in two runs; empty if nothing was."""
        file = self.base / "drawn"
        lines = dict.fromkeys(file.read_text().splitlines() if file.exists() else ())
        drawn = [line.partition(" ")[2] for line in lines]  # without the process: a run may show it twice
        return next((line for line in drawn if drawn.count(line) > 1), "")

    def _run(self, *arguments: str, directory: str) -> Seen:
        seen = self.base / "seen"
        for old in (seen, *self.base.glob("**/ended")):
            with contextlib.suppress(FileNotFoundError):
                old.unlink()
        done = subprocess.run(
            [sys.executable, *arguments, "-p", "no:cacheprovider", "-rA", "-p", "pytest_heavyimports.plugin"],
            cwd=self.path / directory,
            env={**self._environment, **self.variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        self._errors = done.stderr
        outcomes = sorted(set(re.findall(r"^(?:PASSED|FAILED|ERROR|SKIPPED) \S+", done.stdout, re.MULTILINE)))
        notes = seen.read_text().splitlines() if seen.exists() else []
        files = {str(file.relative_to(self.base)): file.read_text() for file in self.base.glob("*/ended")}
        return Seen(done.returncode, outcomes, notes, files)


def difference(plain: Seen, warm: Seen) -> str:
    """In words; empty where there is none."""
    if plain == warm:
        return ""
    for name in Seen._fields:
        one, other = getattr(plain, name), getattr(warm, name)
        if one != other and name == "notes" and len(one) == len(other):
            for first, second in zip(map(json.loads, one), map(json.loads, other)):
                for key in {**first[1], **second[1]}:
                    if first[1].get(key) != second[1].get(key):
                        return f"{first[0]}: {key}: plain {first[1].get(key)!r}, warm {second[1].get(key)!r}"
        if one != other:
            return f"{name}: plain {one!r}, warm {other!r}"
    return ""
