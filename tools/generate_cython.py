"""Writes the declarations of the kernels that C code may call, from the installed extension.

python tools/generate_cython.py            writes cython_kernels.pxd and include/fastnn/kernels.h
python tools/generate_cython.py --check    shows what differs, and fails if anything does
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from fastnn import _core

PACKAGE = Path(__file__).resolve().parent.parent / "python" / "fastnn"

PXD = """# Made by tools/generate_cython.py. See cython_kernels.py for what these are.
from libc.stdint cimport int64_t

{functions}
"""

HEADER = """/* clang-format off */
/* Made by tools/generate_cython.py.
 *
 * fastnn's kernels as C functions: contiguous arrays, one thread, no Python inside. Names start
 * with s (float) or d (double). Call fastnn_import_kernels() once, with the GIL held, in each
 * source file that uses them; -1 means that a Python exception is set.
 */
#ifndef FASTNN_KERNELS_H
#define FASTNN_KERNELS_H

#include <Python.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

typedef struct {{
{members}
}} fastnn_kernels_t;

static fastnn_kernels_t fastnn_kernels;

static int fastnn_import_kernels(void) {{
  static const struct {{
    const char* name;
    const char* signature;
  }} functions[] = {{
{names}
  }};
  void** slot = (void**)&fastnn_kernels;
  size_t i;
  PyObject* module = PyImport_ImportModule("fastnn.cython_kernels");
  PyObject* capsules = module ? PyObject_GetAttrString(module, "__pyx_capi__") : NULL;
  Py_XDECREF(module);
  if (!capsules) return -1;
  for (i = 0; i < sizeof functions / sizeof functions[0]; ++i) {{
    PyObject* capsule = PyDict_GetItemString(capsules, functions[i].name);
    if (!capsule) {{
      PyErr_Format(PyExc_ImportError, "fastnn has no kernel %s", functions[i].name);
      Py_DECREF(capsules);
      return -1;
    }}
    slot[i] = PyCapsule_GetPointer(capsule, functions[i].signature);
    if (!slot[i]) {{
      Py_DECREF(capsules);
      return -1;
    }}
  }}
  Py_DECREF(capsules);
  return 0;
}}

#ifdef __cplusplus
}}
#endif

#endif
"""


def generate() -> dict[Path, str]:
    """The text of each file."""
    functions = [(name, arguments, sign) for name, arguments, sign, _ in _core.cython_functions()]
    declared = [
        f"cdef void {name}({_cython(arguments)}) noexcept nogil" for name, arguments, _ in functions
    ]
    members = [f"  void (*{name})({arguments});" for name, arguments, _ in functions]
    names = [f'    {{"{name}", "{sign}"}},' for name, _, sign in functions]
    return {
        PACKAGE / "cython_kernels.pxd": PXD.format(functions="\n".join(declared)),
        PACKAGE / "include" / "fastnn" / "kernels.h": HEADER.format(
            members="\n".join(members), names="\n".join(names)
        ),
    }


def _cython(arguments: str) -> str:
    """C's ``float const *x`` is ``const float *x`` in Cython, and flags are bint."""
    parts = []
    for part in arguments.split(", "):
        words = part.split()
        if "const" in words:
            part = f"const {words[0]} {words[-1]}"
        parts.append("bint" + part[3:] if part.startswith("int ") else part)
    return ", ".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = False
    for path, text in generate().items():
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            continue
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old != text:
            stale = True
            lines = (t.splitlines(keepends=True) for t in (old, text))
            sys.stdout.writelines(difflib.unified_diff(*lines, str(path), "what it would be"))
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
