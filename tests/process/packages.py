"""A package with what breaks: parts that need each other, one that replaces itself, C state that is set up once."""

from __future__ import annotations

TREE = {
    "beside/__init__.py": """\
        begun(__name__)
        """,
    "treedep/__init__.py": """\
        begun(__name__)
        """,
    "tree/__init__.py": """\
        begun(__name__)
        import treedep
        from . import _core, a

        assert _core.initialisations() == 1
        try:
            from . import optional
        except ImportError:
            optional = None
        """,
    "tree/a.py": """\
        begun(__name__)
        answer = 42
        """,
    "tree/b.py": """\
        begun(__name__)
        from . import swapped
        from .a import answer
        from .sub import deep
        """,
    "tree/mocked/__init__.py": """\
        begun(__name__)
        from . import inner
        """,
    "tree/mocked/inner.py": """\
        begun(__name__)
        import beside
        """,
    "tree/optional.py": """\
        begun(__name__)
        from .sub.deep import answer
        """,
    "tree/late/__init__.py": """\
        begun(__name__)
        from .first import answer
        from ..a import answer
        from ..sub import deep
        """,
    "tree/late/first.py": """\
        begun(__name__)
        answer = 42
        """,
    "tree/sub/__init__.py": """\
        begun(__name__)
        from ..a import answer
        """,
    "tree/sub/deep.py": """\
        begun(__name__)
        answer = 42
        """,
    "tree/swapped.py": """\
        begun(__name__)
        import sys

        class Swapped(type(sys)):
            answer = 42

        sys.modules[__name__] = Swapped(__name__)
        """,
}
"""Sources by file. ``begun`` is a builtin of the process that counts."""

CORE = """\
#include <Python.h>

static int count = 0;

static PyObject *
initialisations(PyObject *self, PyObject *args)
{
    return PyLong_FromLong(count);
}

static PyMethodDef methods[] = {
    {"initialisations", initialisations, METH_NOARGS, "How often the module was set up in this process."},
    {NULL, NULL, 0, NULL},
};

/* Like torch._C, it puts a module into sys.modules that no finder has seen. */
static int
execute(PyObject *module)
{
    if (count++) {
        PyErr_SetString(PyExc_RuntimeError, "cannot be set up more than once per process");
        return -1;
    }
    PyObject *operators = PyImport_AddModule("tree._core.operators");
    if (operators == NULL) {
        return -1;
    }
    Py_INCREF(operators);
    return PyModule_AddObject(module, "operators", operators);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_core", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
"""
