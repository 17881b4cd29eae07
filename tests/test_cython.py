"""Kernels for C code: through capsules, from Cython, from C with a header, from CMake."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import _core, cython_kernels, ops

TYPES = {"s": (np.float32, "float", 1e-6), "d": (np.float64, "double", 1e-12)}
FUNCTIONS = {name: (arguments, sign) for name, arguments, sign, _ in _core.cython_functions()}
PARAMETERS = {"slope": 0.2, "alpha": 0.7}
compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
RNG = np.random.default_rng(0)


def address(name: str) -> int:
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype = ctypes.c_void_p
    pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return pointer_of(cython_kernels.__pyx_capi__[name], FUNCTIONS[name][1].encode())


def call(name: str, *arguments) -> None:
    """Calls a kernel with arrays, whole numbers and floats."""
    kinds, values = [], []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            kinds.append(ctypes.c_void_p)
            values.append(argument.ctypes.data)
        elif isinstance(argument, float):
            kinds.append(ctypes.c_double)
            values.append(argument)
        else:
            kinds.append(ctypes.c_int if isinstance(argument, bool) else ctypes.c_int64)
            values.append(argument)
    ctypes.CFUNCTYPE(None, *kinds)(address(name))(*values)


@pytest.mark.parametrize("n", [0, 1, 17, 1000])
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if "matmul" not in n])
def test_each_gives_what_the_operation_gives(name, n):
    dtype, _, tolerance = TYPES[name[0]]
    arguments, _ = FUNCTIONS[name]
    names = [part.split()[-1].lstrip("*") for part in arguments.split(", ")]
    arrays = [RNG.normal(size=n).astype(dtype) for _ in names if _ in ("g", "x", "y")]
    if name[1:] == "log":
        arrays = [np.abs(a) + dtype(0.1) for a in arrays]
    settings = [PARAMETERS[p] for p in names if p in PARAMETERS]
    sizes = [1, n] if "rows" in names else [n]
    out = np.full(n + 1, 7, dtype)
    call(name, out, *arrays, *sizes, *settings)
    assert out[-1] == 7, "nothing behind the end is touched"
    attributes = {p: PARAMETERS[p] for p in names if p in PARAMETERS}
    if n == 0:
        return
    if "rows" in names:
        arrays = [a[None] for a in arrays]
    inputs = [fastnn.placeholder(a.shape, str(a.dtype)) for a in arrays]
    value = _core.make(name[1:], [t._value for t in inputs], attributes)
    expected = fastnn.function(inputs, fastnn.Tensor(value))(*arrays)
    np.testing.assert_allclose(out[:-1], expected.reshape(-1), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["s", "d"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (10, 11, 6), (130, 70, 90)])
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
def test_matmul(kind, shape, turned):
    dtype = TYPES[kind][0]
    m, k, n = shape
    a = RNG.normal(size=(k, m) if turned[0] else (m, k)).astype(dtype)
    b = RNG.normal(size=(n, k) if turned[1] else (k, n)).astype(dtype)
    c = np.empty((m, n), dtype)
    call(f"{kind}matmul", c, a, b, m, n, k, *turned)
    np.testing.assert_array_equal(c, ops.matmul(a, b, *turned))


def build(folder: Path, source: Path, module: str, *flags: str) -> object:
    """Compiles a Python extension and imports it."""
    if compiler is None:
        pytest.skip("no C compiler")
    target = folder / f"{module}{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = f"-I{sysconfig.get_path('include')}"
    link = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    command = [compiler, "-O1", "-shared", "-fPIC", include, *flags, source, "-o", target, *link]
    subprocess.run(command, check=True)
    return load(target, module)


def load(path: Path, module: str) -> object:
    spec = importlib.util.spec_from_file_location(module, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


CYTHON = """
# cython: language_level=3, boundscheck=False
from libc.stdint cimport int64_t
from fastnn.cython_kernels cimport dmatmul, srelu, dtanh, dleaky_relu

def layer(double[:, ::1] x, double[:, ::1] w, double[:, ::1] out):
    cdef int64_t m = x.shape[0], k = x.shape[1], n = w.shape[1]
    with nogil:
        dmatmul(&out[0, 0], &x[0, 0], &w[0, 0], m, n, k, False, False)
        dtanh(&out[0, 0], &out[0, 0], m * n)

def leaky(double[::1] x, double slope):
    with nogil:
        dleaky_relu(&x[0], &x[0], x.shape[0], slope)

def relu(float[::1] x):
    srelu(&x[0], &x[0], x.shape[0])
"""


def test_cython_calls_them_without_the_gil(tmp_path):
    pytest.importorskip("Cython")
    source = tmp_path / "in_cython.pyx"
    source.write_text(CYTHON)
    package = Path(fastnn.__file__).parent.parent
    paths = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "-m", "cython", "-I", package, source],
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    module = build(tmp_path, source.with_suffix(".c"), "in_cython", "-w")
    x, w = RNG.normal(size=(9, 5)), RNG.normal(size=(5, 4))
    out = np.empty((9, 4))
    module.layer(x, w, out)
    np.testing.assert_allclose(out, np.tanh(x @ w), rtol=1e-12)
    row = np.array([-1.0, 2.0])
    module.leaky(row, 0.25)
    np.testing.assert_array_equal(row, [-0.25, 2.0])
    single = np.array([-1.0, 2.0], np.float32)
    module.relu(single)
    np.testing.assert_array_equal(single, [0, 2])


C = """
#include <fastnn/kernels.h>

static PyObject* twice(PyObject* self, PyObject* argument) {
  double x[3], y[3];
  int i;
  (void)self;
  for (i = 0; i < 3; ++i) x[i] = PyFloat_AsDouble(argument) + i;
  fastnn_kernels.drelu(y, x, 3);
  return Py_BuildValue("(ddd)", y[0], y[1], y[2]);
}

static PyMethodDef methods[] = {{"relu", twice, METH_O, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {
  PyModuleDef_HEAD_INIT, "NAME", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_NAME(void) {
  if (fastnn_import_kernels() < 0) return NULL;
  return PyModule_Create(&module);
}
"""


def test_c_code_includes_the_header(tmp_path):
    source = tmp_path / "in_c.c"
    source.write_text(C.replace("NAME", "in_c"))
    flags = ["-Wall", "-Wextra", "-Werror", f"-I{fastnn.get_include()}"]
    module = build(tmp_path, source, "in_c", *flags)
    assert module.relu(-1.0) == (0.0, 0.0, 1.0)


CMAKE = """
cmake_minimum_required(VERSION 3.20)
project(user LANGUAGES CXX)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(fastnn CONFIG REQUIRED)
Python_add_library(in_cmake MODULE WITH_SOABI in_cmake.cpp)
target_link_libraries(in_cmake PRIVATE fastnn::kernels)
"""


def test_cmake_finds_the_package(tmp_path):
    if shutil.which("cmake") is None:
        pytest.skip("no cmake")
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    (tmp_path / "in_cmake.cpp").write_text(C.replace("NAME", "in_cmake"))
    configure = ["cmake", "-S", tmp_path, "-B", tmp_path / "build", "-DCMAKE_BUILD_TYPE=Debug"]
    options = [f"-Dfastnn_DIR={fastnn.get_cmake_dir()}", f"-DPython_EXECUTABLE={sys.executable}"]
    subprocess.run([*configure, *options], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", tmp_path / "build"], check=True, capture_output=True)
    (built,) = (tmp_path / "build").glob("in_cmake*.so")
    assert load(built, "in_cmake").relu(2.0) == (2.0, 3.0, 4.0)


def test_numba_finds_the_address():
    numba = pytest.importorskip("numba")
    from numba.extending import get_cython_function_address

    assert get_cython_function_address("fastnn.cython_kernels", "srelu") == address("srelu")
    assert numba is not None
