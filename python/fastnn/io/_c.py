"""C99: the graph of a traced model as a header that needs nothing but the C library."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.io._atomic import replace_file
from fastnn.io._c_source import C_TYPES, Memory, Ref, Source, copied, number, numbers, slice_of
from fastnn.io._onnx import array_of

Value = Any  # _core.Value
Writer = Callable[["Source", Value, list["Ref"], list["Ref"]], None]


class Program:
    """The graph as C: constants, the body of the function, the memory it needs.

    Args:
        inputs: names and placeholders.
        roots: the outputs.
        length: of the axes whose length is open, but the batch.
    """

    def __init__(
        self,
        inputs: Sequence[tuple[str, Value]],
        roots: Sequence[Value],
        length: int | None = None,
    ) -> None:
        # Each row is computed by itself: the batch has length 1.
        self.extents = {
            str(value.dims[0]): 1
            for _, value in inputs
            if value.dims and not isinstance(value.dims[0], int)
        }
        if length is not None:
            for _, value in inputs:
                for dim in value.dims[1:]:
                    if not isinstance(dim, int):
                        self.extents[str(dim)] = length
        self.source = Source(self.extents)
        self.memory = Memory()
        self.constants: list[str] = []
        self.refs: dict[Any, Ref] = {}
        self._until: int | None = None  # while the body of a loop is written
        for label, value in inputs:
            self.refs[(value.id, 0)] = Ref(label, value.dtype, self.shape_of(value))
        order = _core.topological_order(list(roots))
        self._parts: dict[int, list[Value]] = {}
        for value in order:
            self._parts.setdefault(value.id, []).append(value)
        self._last = self._last_uses(order, roots)
        for step, value in enumerate(order):
            if (value.id, 0) not in self.refs:
                self._write(step, value)
        self.outputs = [self.refs[(root.id, root.index)] for root in roots]

    def shape_of(self, value: Value) -> tuple[int, ...]:
        """The sizes of a value, for one row."""
        return tuple(number(dim, self.extents) for dim in value.dims)

    def _last_uses(self, order: Sequence[Value], roots: Sequence[Value]) -> dict[int, int]:
        """The last step that needs a node's result, also under another shape."""
        from fastnn.io._c_ops import ALIASES

        last: dict[int, int] = {}
        for step in reversed(range(len(order))):
            value = order[step]
            own = max(step, last.get(value.id, step))
            for item in value.inputs:
                until = own if value.op in ALIASES else step
                last[item.id] = max(last.get(item.id, 0), until)
        for root in roots:
            self._keep(root, len(order), last, ALIASES)
        return last

    def _keep(self, value: Value, until: int, last: dict[int, int], aliases: Any) -> None:
        last[value.id] = until
        if value.op in aliases:
            self._keep(value.inputs[0], until, last, aliases)

    def _write(self, step: int, value: Value) -> None:
        from fastnn.io._c_ops import ALIASES, PREDICTED, WRITERS

        until = self._until if self._until is not None else self._last.get(value.id, step)
        if value.op in ("constant", "variable"):
            self.refs[(value.id, 0)] = self._constant(value)
            return
        inputs = [self.refs[(item.id, item.index)] for item in value.inputs]
        if value.op in ALIASES:
            source = inputs[0]
            self.refs[(value.id, 0)] = Ref(source.name, source.dtype, self.shape_of(value))
            return
        writer = WRITERS.get(value.op)
        if writer is None and value.op != "loop":
            raise NotImplementedError(f"[to_c] the operation {value.op!r} has no counterpart in C")
        outputs = []
        parts = sorted(self._parts[value.id], key=lambda part: int(part.index))
        for output in parts[: PREDICTED.get(value.op, len(parts))]:
            shape = self.shape_of(output)
            place = self.memory.take(C_TYPES[output.dtype], prod(shape), step, until)
            kind = C_TYPES[output.dtype]
            ref = Ref(f"({kind}_work + {place})", output.dtype, shape)
            self.refs[(value.id, output.index)] = ref
            outputs.append(ref)
        self.source.line(f"/* {value.op} */")
        if writer is None:
            self._loop(step, value, inputs, outputs)
        else:
            writer(self.source, value, inputs, outputs)

    def _loop(self, step: int, value: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
        """A loop of one's own. What is carried lives in the outputs; the body is written once."""
        s, source = value.settings(), self.source
        carried, sequences, body = s["carried"], s["sequences"], s["body"]
        trip = number(s["trip"][0], self.extents)
        for first, ref in zip(inputs, outputs[:carried], strict=False):
            source.line(copied(ref, first))
        with source.loop(trip) as counted:
            t = f"({trip - 1} - {counted})" if s["reverse"] else counted
            given = [*outputs[:carried], *inputs[carried:]]
            for place, (parameter, ref) in enumerate(zip(body.parameters, given, strict=True)):
                if carried <= place < carried + sequences:
                    ref = slice_of(ref, t)
                self.refs[(parameter.id, parameter.index)] = ref
            made = self._body(step, body.outputs)
            for ref, result in zip(outputs[carried:], made[carried:], strict=True):
                source.line(copied(slice_of(ref, t), result))
            kept = {ref.name for ref in outputs[:carried]}
            made = [self._held(step, ref) if ref.name in kept else ref for ref in made[:carried]]
            for ref, result in zip(outputs, made, strict=False):
                source.line(copied(ref, result))

    def _body(self, step: int, roots: Sequence[Value]) -> list[Ref]:
        """Writes what leads to a body's results; all of it lives while the loop runs."""
        outer, self._until = self._until, step
        order = _core.topological_order(list(roots))
        for value in order:
            self._parts.setdefault(value.id, [])
            if value not in self._parts[value.id]:
                self._parts[value.id].append(value)
        for value in order:
            if (value.id, 0) not in self.refs:
                self._write(step, value)
        self._until = outer
        return [self.refs[(root.id, root.index)] for root in roots]

    def _held(self, step: int, ref: Ref) -> Ref:
        """A copy of a carried value, which another one is set from."""
        place = self.memory.take(ref.ctype, ref.size, step, step)
        held = Ref(f"({ref.ctype}_work + {place})", ref.dtype, ref.shape)
        self.source.line(copied(held, ref))
        return held

    def _constant(self, value: Value) -> Ref:
        array = np.ascontiguousarray(array_of(value))
        name = f"constant_{len(self.constants)}"
        label = re.sub(r"[^\w/ ]", "", value.name or value.op)
        sizes = " x ".join(map(str, array.shape)) or "1"
        text = f"/* {label}: {sizes} */\nstatic const {C_TYPES[str(array.dtype)]} "
        self.constants.append(
            f"{text}PREFIX_{name}[{max(array.size, 1)}] = {{\n{numbers(array)}\n}};"
        )
        return Ref(f"PREFIX_{name}", str(array.dtype), array.shape)


def identifier(name: str) -> str:
    """A name that C allows."""
    name = re.sub(r"\W", "_", name, flags=re.ASCII) or "model"
    return f"m_{name}" if name[0].isdigit() else name


_TEMPLATE = """\
/* {name}: a trained network, written by fastnn {version}.
 *
 * {name}_predict computes one row; {name}_predict_rows computes n of them. Both keep what they
 * work with on the stack ({stack} bytes) and may run in several threads at once.
 *
{interface}
 */
#ifndef FASTNN_{guard}_H
#define FASTNN_{guard}_H

#include <math.h>
#include <stdint.h>
#include <string.h>

{constants}

static inline void {name}_predict({parameters}) {{
{body}
}}

static inline void {name}_predict_rows(int n, {parameters}) {{
  for (int row = 0; row < n; ++row)
    {name}_predict({rows});
}}

#endif
"""


def export(
    path: str | os.PathLike[str],
    name: str,
    inputs: Sequence[tuple[str, Value]],
    outputs: Sequence[tuple[str, Value]],
    length: int | None = None,
) -> None:
    """Writes a graph as a C header.

    Args:
        path: the file; replaced in one step.
        name: of the model, and the beginning of all names in the header.
        inputs: names and placeholders.
        outputs: names and values.
        length: of the axes whose length is open.

    Raises:
        NotImplementedError: for an operation that has no counterpart, or an open length.
        OSError: where the file cannot be written.
    """
    name = identifier(name)
    arguments = [(f"in{number}", value) for number, (_, value) in enumerate(inputs)]
    program = Program(arguments, _core.rewrite([value for _, value in outputs]), length)
    given = [(label, program.refs[(value.id, 0)]) for label, value in arguments]
    source = program.source
    work = sorted(program.memory.sizes.items())
    stack = sum(size * np.dtype(_itemtype(kind)).itemsize for kind, size in work)
    body = [f"  {kind} {kind}_work[{max(size, 1)}];" for kind, size in work]
    for number_, ref in enumerate(program.outputs):
        source.line(f"memcpy(out{number_}, {ref.name}, {ref.size} * sizeof(*out{number_}));")
    parameters = [f"const {ref.ctype} *{label}" for label, ref in given]
    parameters += [f"{ref.ctype} *out{i}" for i, ref in enumerate(program.outputs)]
    rows = [f"{label} + (size_t)row * {ref.size}" for label, ref in given]
    rows += [f"out{i} + (size_t)row * {ref.size}" for i, ref in enumerate(program.outputs)]
    described = [
        f" *   {argument}: {label}, {_sizes(ref)}"
        for (argument, ref), (label, _) in zip(given, inputs, strict=True)
    ]
    described += [
        f" *   out{i}: {label}, {_sizes(ref)}"
        for i, (ref, (label, _)) in enumerate(zip(program.outputs, outputs, strict=True))
    ]
    text = _TEMPLATE.format(
        name=name,
        version=_core.__version__,
        stack=stack,
        interface="\n".join(described),
        guard=name.upper(),
        constants="\n\n".join(program.constants),
        parameters=", ".join(parameters),
        body="\n".join([*body, *source.lines]),
        rows=", ".join(rows),
    ).replace("PREFIX_", f"{name}_")
    content = text.encode()
    replace_file(path, lambda file: file.write(content))


def _sizes(ref: Ref) -> str:
    shape = " x ".join(map(str, ref.shape[1:])) or "1"
    return f"{ref.ctype}[{shape}] a row"


def _itemtype(kind: str) -> str:
    return next(dtype for dtype, ctype in C_TYPES.items() if ctype == kind)
