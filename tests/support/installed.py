"""Distributions that are installed for the length of a test run."""

from __future__ import annotations

import os
import sysconfig
import textwrap
from pathlib import Path


class Installed:
    """Distributions in a user site directory, and how an interpreter comes to see it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        scheme = f"{os.name}_user"
        self.site = Path(sysconfig.get_path("purelib", scheme, vars={"userbase": str(base)}))
        self.site.mkdir(parents=True)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make the directory one that distributions are installed into."""
        return {"PYTHONUSERBASE": str(self.base)}

    def add(self, distribution: str, version: str, files: dict[str, str], entry_points: str = "") -> None:
        """Install a distribution."""
        info = f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        everything = {**files, f"{info}/METADATA": metadata}
        if entry_points:
            everything[f"{info}/entry_points.txt"] = entry_points
        everything[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*everything, f"{info}/RECORD"])
        for file, text in everything.items():
            target = self.site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(text), encoding="utf-8")


COUNTED_PACKAGE = """\
from executions import record

record(__name__)
answer = 42
"""

REGISTERING_PACKAGE = """\
from executions import record

record(__name__)

from . import _core

_core.register()
"""

# Like the operator registry of torch: C state that lives as long as the process and refuses a second registration.
EXTENSION = """\
#include <Python.h>

static int registered = 0;

static PyObject *
register_operators(PyObject *self, PyObject *args)
{
    if (registered) {
        PyErr_SetString(PyExc_RuntimeError, "operators can be registered once per process");
        return NULL;
    }
    registered = 1;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"register", register_operators, METH_NOARGS, "Register the operators."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModule_Create(&definition);
}
"""
