"""
The compiled core of fastnn: graph, programs, kernels.
"""

from __future__ import annotations

import collections.abc
import typing

import numpy
import numpy.typing
import typing_extensions

from . import testing

__all__: list[str] = [
    "DeviceArray",
    "DeviceError",
    "Dim",
    "Effect",
    "Forest",
    "ForestPredictor",
    "Function",
    "Guard",
    "Predictor",
    "Program",
    "Storage",
    "SubGraph",
    "Trainer",
    "Value",
    "active_table",
    "add_device",
    "available_cpus",
    "broadcast_shapes",
    "broadcast_to",
    "cast",
    "compiler",
    "constant",
    "cython_functions",
    "default_device",
    "device_array",
    "device_description",
    "device_kernels",
    "eager_matmul",
    "elementwise",
    "extent_value",
    "first_nonfinite",
    "gradients",
    "kernel_tables",
    "lies_on_device",
    "make",
    "make_all",
    "make_contiguous",
    "make_effect",
    "matmul",
    "measure_peak",
    "num_threads",
    "op_table",
    "operation",
    "parameter",
    "placeholder",
    "populate",
    "promote",
    "random",
    "reshape",
    "rewrite",
    "running_workers",
    "scalar",
    "set_active_table",
    "set_default_device",
    "set_num_threads",
    "substitute",
    "supported_isas",
    "testing",
    "topological_order",
]

class DeviceError(RuntimeError):
    pass

class DeviceArray:
    """
    An array in a device's memory: DLPack hands it on, NumPy copies it.
    """
    def __array__(
        self, dtype: typing.Any | None = None, copy: typing.Any | None = None
    ) -> typing.Any: ...
    def __dlpack__(self, **kwargs) -> typing.Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __getitem__(self, key: typing.Any) -> DeviceArray: ...
    def __len__(self) -> int: ...
    def first_nonfinite(self) -> int:
        """
        The flat index of the first NaN or infinity, or -1.
        """
    def get_value(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
        """
        A copy in the processor's memory.
        """
    @property
    def __cuda_array_interface__(self) -> dict: ...
    @property
    def device(self) -> str: ...
    @property
    def dtype(self) -> numpy.dtype[typing.Any]: ...
    @property
    def is_contiguous(self) -> bool: ...
    @property
    def ndim(self) -> int: ...
    @property
    def shape(self) -> tuple: ...
    @property
    def size(self) -> int: ...

class Dim:
    """
    A dimension known at run time: a polynomial in named extents.
    """
    @typing.overload
    def __add__(self, arg0: Dim) -> Dim: ...
    @typing.overload
    def __add__(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> Dim: ...
    def __eq__(self, arg0: Dim) -> bool: ...
    def __floordiv__(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> Dim: ...
    def __hash__(self) -> int: ...
    def __init__(self, arg0: typing.Any) -> None: ...
    def __int__(self) -> int: ...
    @typing.overload
    def __mul__(self, arg0: Dim) -> Dim: ...
    @typing.overload
    def __mul__(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> Dim: ...
    def __ne__(self, arg0: Dim) -> bool: ...
    def __radd__(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> Dim: ...
    def __repr__(self) -> str: ...
    def __rmul__(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> Dim: ...
    def __rsub__(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> Dim: ...
    @typing.overload
    def __sub__(self, arg0: Dim) -> Dim: ...
    @typing.overload
    def __sub__(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> Dim: ...
    def is_number(self) -> bool: ...

class Value:
    """
    One output of a node of the graph.
    """

    name: str
    def __eq__(self, arg0: Value) -> bool: ...
    def __hash__(self) -> int: ...
    def __repr__(self) -> str: ...
    def attr(self, arg0: str) -> str: ...
    def attrs(self) -> dict: ...
    def settings(self) -> dict:
        """
        The node's attributes, as Python objects.
        """
    @property
    def dims(self) -> tuple: ...
    @property
    def dtype(self) -> str: ...
    @property
    def id(self) -> int: ...
    @property
    def index(self) -> int: ...
    @property
    def inputs(self) -> list[Value]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def op(self) -> str: ...

class SubGraph:
    """
    The body of a loop: parameters and outputs.
    """
    def __init__(
        self, parameters: collections.abc.Sequence[Value], outputs: collections.abc.Sequence[Value]
    ) -> None: ...
    @property
    def outputs(self) -> list[Value]: ...
    @property
    def parameters(self) -> list[Value]: ...

class Effect:
    """
    A node that writes to variables.
    """

class Storage:
    """
    The storage of a variable.
    """

    name: str
    def __init__(
        self,
        dtype: typing.Any,
        shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        role: str,
        name: str,
    ) -> None: ...
    def get(self) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]: ...
    def on_device(self) -> DeviceArray:
        """
        The numbers where they lie, on a device.
        """
    def set(self, value: typing.Any) -> None: ...
    def set_bytes(
        self, start: typing.SupportsInt | typing.SupportsIndex, bytes: typing_extensions.Buffer
    ) -> None:
        """
        Replaces a part of the numbers, as they lie in memory.
        """
    def value(self) -> Value: ...
    @property
    def device(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def shape(self) -> tuple: ...

class Function:
    """
    A compiled graph: arrays in, arrays out.
    """
    def __call__(self, *args, **kwargs):
        """
        Call self as a function.
        """
    def __init__(
        self,
        inputs: collections.abc.Sequence[Value],
        sections: list,
        seed: typing.SupportsInt | typing.SupportsIndex = 0,
        reuse_memory: bool = True,
        poison: bool = False,
        device: str = "",
        returns: str = "list",
        scalars: bool = False,
    ) -> None: ...
    def kernels(self) -> list[str]: ...
    def plan(self, *args) -> str: ...
    def set_step(self, step: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def seed(self) -> int: ...
    @seed.setter
    def seed(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...

class Forest:
    """
    Trees of a data set, checked.
    """
    def __init__(
        self,
        leaves: typing.Any,
        words: typing.Any,
        children: typing.Any,
        labels: typing.Any,
        vocabulary: typing.SupportsInt | typing.SupportsIndex,
        classes: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def __len__(self) -> int: ...
    def lay_out(self, trees: typing.Any) -> dict:
        """
        A batch as the arrays that a program reads.
        """
    @property
    def nbytes(self) -> int: ...
    @property
    def nodes(self) -> int:
        """
        Of all trees.
        """

class Guard:
    """
    Keeps predictions off half-made updates.
    """
    def __init__(self) -> None: ...

class Program:
    """
    Compiled sections.
    """
    def __init__(
        self,
        inputs: typing.Any,
        sections: list,
        reuse_memory: bool = True,
        poison: bool = False,
        device: str = "",
    ) -> None: ...
    def kernels(self) -> list[str]: ...
    def plan(
        self,
        shapes: collections.abc.Sequence[
            collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
        ] = [],
    ) -> str: ...

class Trainer:
    """
    Runs the steps of a training program over columns.
    """
    def __init__(
        self,
        program: Program,
        every: collections.abc.Mapping[str, typing.SupportsInt | typing.SupportsIndex] = {},
        guard: Guard | None = None,
    ) -> None: ...
    @typing.overload
    def begin(
        self,
        columns: collections.abc.Sequence[typing.Any],
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        shuffle: bool,
        seed: typing.SupportsInt | typing.SupportsIndex,
        pass_number: typing.SupportsInt | typing.SupportsIndex = 0,
        step: typing.SupportsInt | typing.SupportsIndex = 0,
        row: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None: ...
    @typing.overload
    def begin(
        self,
        forest: Forest,
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        shuffle: bool,
        seed: typing.SupportsInt | typing.SupportsIndex,
        pass_number: typing.SupportsInt | typing.SupportsIndex = 0,
        step: typing.SupportsInt | typing.SupportsIndex = 0,
        row: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None: ...
    def begin_in_order(
        self,
        columns: collections.abc.Sequence[typing.Any],
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        order: numpy.typing.NDArray[numpy.int64],
        seed: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def begin_rows(
        self,
        columns: collections.abc.Sequence[typing.Any],
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        rows: numpy.typing.NDArray[numpy.int64],
        seed: typing.SupportsInt | typing.SupportsIndex,
        step: typing.SupportsInt | typing.SupportsIndex,
        row: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def end(self) -> None: ...
    def hold(self) -> None:
        """
        Keeps columns, where they were brought to, over passes until release().
        """
    def plan(
        self,
        columns: collections.abc.Sequence[typing.Any],
        batch_size: typing.SupportsInt | typing.SupportsIndex,
    ) -> dict: ...
    def profile(
        self,
        columns: collections.abc.Sequence[typing.Any],
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        seed: typing.SupportsInt | typing.SupportsIndex,
    ) -> dict: ...
    def release(self) -> None: ...
    def run(
        self,
        max_steps: typing.SupportsInt | typing.SupportsIndex,
        max_seconds: typing.SupportsFloat | typing.SupportsIndex,
    ) -> int: ...
    def run_batch(
        self,
        columns: collections.abc.Sequence[typing.Any],
        seed: typing.SupportsInt | typing.SupportsIndex,
        step: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None: ...
    @property
    def row(self) -> int:
        """
        The next row of the pass.
        """
    @property
    def step(self) -> int:
        """
        The number of the next step.
        """

class Predictor:
    """
    Runs a program over rows, from any thread.
    """
    def __call__(self, columns: collections.abc.Sequence[typing.Any]) -> typing.Any: ...
    def __init__(
        self,
        program: Program,
        guard: Guard | None = None,
        seed: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None: ...
    def run(
        self,
        columns: collections.abc.Sequence[typing.Any],
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        check_finite: bool = False,
    ) -> typing.Any: ...
    @property
    def fast(self) -> typing.Any:
        """
        fast(x, most=...): one array's predictions.

        None where there is more to it, as for more rows than `most`, and for NaN.
        """
    @property
    def keeps_state(self) -> bool: ...

class ForestPredictor:
    """
    Runs a program over all nodes of trees.
    """
    def __init__(self, program: Program, guard: Guard | None = None) -> None: ...
    def run(
        self, forest: Forest, batch_size: typing.SupportsInt | typing.SupportsIndex
    ) -> list[numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]]: ...

def active_table() -> str: ...
def add_device(module: typing_extensions.CapsuleType) -> None: ...
def available_cpus() -> int: ...
def broadcast_shapes(a: typing.Any, b: typing.Any) -> tuple: ...
def broadcast_to(x: Value, shape: typing.Any) -> Value: ...
def cast(x: Value, dtype: typing.Any) -> Value: ...
def constant(array: typing.Any) -> Value: ...
def cython_functions() -> list:
    """
    Name, arguments, signature and capsule of each kernel that C code may call.
    """

def default_device() -> str: ...
def device_array(x: typing.Any) -> typing.Any:
    """
    An array that lies on a device, without a copy; None for all else.
    """

def device_description(name: str) -> str: ...
def device_kernels(name: str) -> list[tuple[str, str]]:
    """
    (id, dtype) of every kernel of a device.
    """

def eager_matmul(general: typing.Any) -> typing.Any:
    """
    A function like `general` that takes the short way to the kernel for plain matrices.
    """

def elementwise(general: collections.abc.Callable) -> typing.Any:
    """
    A function like `general` that takes the short way to the kernel where arrays allow it.
    """

def extent_value(dim: typing.Any, dtype: typing.Any) -> Value: ...
def first_nonfinite(array: typing.Any) -> int:
    """
    The flat index of the first NaN or infinity, or -1.
    """

def gradients(cost: Value, wrt: collections.abc.Sequence[Value]) -> list[Value]: ...
def kernel_tables() -> list[str]: ...
def lies_on_device(x: typing.Any) -> bool: ...
def make(op: str, inputs: collections.abc.Sequence[Value], attrs: dict = {}) -> Value: ...
def make_all(op: str, inputs: collections.abc.Sequence[Value], attrs: dict = {}) -> list[Value]: ...
def make_contiguous(variables: collections.abc.Sequence[Storage]) -> None: ...
def make_effect(op: str, inputs: collections.abc.Sequence[Value], attrs: dict = {}) -> Effect: ...
def matmul(a: Value, b: Value, transpose_a: bool, transpose_b: bool) -> Value: ...
def measure_peak() -> dict: ...
def num_threads() -> int: ...
def op_table() -> list: ...
def operation(
    general: collections.abc.Callable,
    compiled: collections.abc.Callable,
    first: typing.SupportsInt | typing.SupportsIndex = 0,
    tensors: typing.SupportsInt | typing.SupportsIndex | None = 1,
) -> typing.Any:
    """
    Calls general(...), or on arrays the Function that compiled(...) made for such.

    The data are `tensors` arguments from `first` on; -1: a sequence there, None: all.
    """

def parameter(dtype: typing.Any, shape: typing.Any) -> Value: ...
def placeholder(dtype: typing.Any, shape: typing.Any, name: str = "") -> Value: ...
def populate(array: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> bool:
    """
    Waits until the memory of a contiguous array is there; False where it cannot.
    """

def promote(a: typing.Any, b: typing.Any) -> str: ...
def random(
    kind: str,
    shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    dtype: typing.Any,
    seed: typing.SupportsInt | typing.SupportsIndex,
    stream: typing.SupportsInt | typing.SupportsIndex,
    a: typing.SupportsFloat | typing.SupportsIndex,
    b: typing.SupportsFloat | typing.SupportsIndex,
) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
    """
    Philox numbers: kind is uniform, normal, truncated_normal, bernoulli or integer.
    """

def reshape(x: Value, shape: collections.abc.Sequence) -> Value: ...
def rewrite(roots: collections.abc.Sequence[Value]) -> list[Value]: ...
def running_workers() -> int: ...
def scalar(value: typing.SupportsFloat | typing.SupportsIndex, dtype: typing.Any) -> Value: ...
def set_active_table(name: str) -> None: ...
def set_default_device(name: str) -> None: ...
def set_num_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None: ...
def substitute(
    roots: collections.abc.Sequence[Value],
    old: collections.abc.Sequence[Value],
    replacement: collections.abc.Sequence[Value],
) -> list[Value]: ...
def supported_isas() -> list[str]: ...
def topological_order(roots: collections.abc.Sequence[Value]) -> list[Value]: ...

__version__: str
compiler: str
