"""Kernels for Cython, Numba and C: ``from fastnn.cython_kernels cimport smatmul, srelu``.

Each is a C function without Python in it, to be called without the GIL, on contiguous arrays and
one thread; names start with s (float) or d (double). ``out`` may be ``x``. The declarations are in
``cython_kernels.pxd`` and, for C and C++, in ``fastnn/kernels.h`` of :func:`fastnn.get_include`.

Example:
    >>> import ctypes
    >>> import numpy as np
    >>> function = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    >>> pointer_of = function(("PyCapsule_GetPointer", ctypes.pythonapi))
    >>> address = pointer_of(__pyx_capi__["drelu"], b"void (double *, double const *, int64_t)")
    >>> drelu = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(address)
    >>> x = np.array([-1.0, 2.0])
    >>> drelu(x.ctypes.data, x.ctypes.data, 2)
    >>> x
    array([0., 2.])
"""

from typing import Any

from fastnn import _core

# The name is Cython's: a cimport looks for its functions here.
__pyx_capi__: dict[str, Any] = {name: capsule for name, _, _, capsule in _core.cython_functions()}
