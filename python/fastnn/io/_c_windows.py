"""Convolution, pooling and recurrent layers in C."""

from __future__ import annotations

from typing import Any

from fastnn.io._c import Value
from fastnn.io._c_source import Ref, Source


def _inside(place: str, size: int) -> str:
    return f"{place} < 0 || {place} >= {size}"


def _places(
    s: Source, settings: Any, index: list[str], window: list[str], sizes: tuple[int, ...]
) -> list[str]:
    """Where a window's element lies along each axis; what padding adds is skipped."""
    places = []
    for axis, size in enumerate(sizes):
        place = s.fresh()
        stride, before = settings["strides"][axis], settings["padding"][2 * axis]
        dilation = settings["dilation"][axis]
        start = f"{index[axis + 1]} * {stride} + {window[axis]} * {dilation} - {before}"
        s.line(f"const int {place} = {start};")
        s.line(f"if ({_inside(place, size)}) continue;")
        places.append(place)
    return places


def _channel(settings: Any, filter_: str, c: str, filters: int, depth: int) -> str:
    """The channel that a filter of a group sees as its c-th."""
    return c if settings["groups"] == 1 else f"({filter_} / {filters} * {depth} + {c})"


def conv(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    """A convolution; channels come last."""
    x, k, out = inputs[0], inputs[1], outputs[0]
    settings, rank = v.settings(), len(out.shape) - 2
    depth, filters = k.shape[-2], k.shape[-1] // settings["groups"]
    for index in s.loops(out.shape):
        total = s.fresh()
        s.line(f"{out.ctype} {total} = 0;")
        for window in s.loops(k.shape[:rank], always=True):
            places = _places(s, settings, index, window, x.shape[1:-1])
            with s.loop(depth) as c:
                channel = _channel(settings, index[-1], c, filters, depth)
                left = x.at([index[0], *places, channel])
                s.line(f"{total} += {left} * {k.at([*window, c, index[-1]])};")
        s.line(f"{out.at(index)} = {total};")


def conv_transpose(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    """The gradient of a convolution by its input: every input adds to the window it came from."""
    dy, k, out = inputs[0], inputs[1], outputs[0]
    settings, rank = v.settings(), len(out.shape) - 2
    depth, filters = k.shape[-2], k.shape[-1] // settings["groups"]
    s.line(f"memset({out.name}, 0, {out.size} * sizeof({out.ctype}));")
    for index in s.loops(dy.shape):
        value = s.fresh()
        s.line(f"const {dy.ctype} {value} = {dy.at(index)};")
        for window in s.loops(k.shape[:rank], always=True):
            places = _places(s, settings, index, window, out.shape[1:-1])
            with s.loop(depth) as c:
                channel = _channel(settings, index[-1], c, filters, depth)
                target = out.at([index[0], *places, channel])
                s.line(f"{target} += {value} * {k.at([*window, c, index[-1]])};")


def max_pool(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    """The largest element of each window."""
    _pool(s, v, inputs[0], outputs[0], largest=True)


def average_pool(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    """The mean of the elements of each window that lie inside."""
    _pool(s, v, inputs[0], outputs[0], largest=False)


def _pool(s: Source, v: Value, x: Ref, out: Ref, largest: bool) -> None:
    settings, rank = v.settings(), len(out.shape) - 2
    for index in s.loops(out.shape):
        total, count = s.fresh(), s.fresh()
        s.line(f"{out.ctype} {total} = 0;")
        s.line(f"int {count} = 0;")
        for window in s.loops(settings["size"], always=True):
            places = []
            for axis in range(rank):
                place = s.fresh()
                stride, before = settings["strides"][axis], settings["padding"][2 * axis]
                s.line(
                    f"const int {place} = {index[axis + 1]} * {stride} + {window[axis]} - {before};"
                )
                s.line(f"if ({_inside(place, x.shape[axis + 1])}) continue;")
                places.append(place)
            here = x.at([index[0], *places, index[-1]])
            if largest:
                s.line(f"if (!{count} || {here} > {total} || {here} != {here}) {total} = {here};")
            else:
                s.line(f"{total} += {here};")
            s.line(f"++{count};")
        s.line(f"{out.at(index)} = {total if largest else f'{total} / ({out.ctype}){count}'};")


# --- recurrence


def _sigmoid(x: str, f: str) -> str:
    one = f"1.0{f}"
    return f"{one} / ({one} + exp{f}(-({x})))"


def lstm(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    """A long short-term memory."""
    f = "f" if outputs[0].dtype == "float32" else ""

    def step(units: int, j: str, sums: str, x: list[str], state: list[str]) -> list[str]:
        i, forget, g, o = (f"{part} + {sums}[{j} + {n * units}]" for n, part in enumerate(x))
        s.line(
            f"const {outputs[0].ctype} cell = {_sigmoid(forget, f)} * {state[1]} + "
            f"({_sigmoid(i, f)}) * tanh{f}({g});"
        )
        return [f"({_sigmoid(o, f)}) * tanh{f}(cell)", "cell"]

    _recurrence(s, v, inputs[0], inputs[1], None, inputs[2:4], inputs[4:], outputs, step)


def gru(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    """A gated recurrent unit."""
    f, kind = "f" if outputs[0].dtype == "float32" else "", outputs[0].ctype

    def step(units: int, j: str, sums: str, x: list[str], state: list[str]) -> list[str]:
        p, q, inner = (f"{sums}[{j} + {n * units}]" for n in range(3))
        s.line(f"const {kind} z = {_sigmoid(f'{x[0]} + {p}', f)};")
        s.line(f"const {kind} r = {_sigmoid(f'{x[1]} + {q}', f)};")
        s.line(f"const {kind} m = tanh{f}({x[2]} + r * {inner});")
        return [f"z * {state[0]} + (1.0{f} - z) * m"]

    _recurrence(s, v, inputs[0], inputs[1], inputs[2], inputs[3:4], inputs[4:], outputs, step)


def simple_rnn(s: Source, v: Value, inputs: list[Ref], outputs: list[Ref]) -> None:
    """Elman's recurrence."""
    f = "f" if outputs[0].dtype == "float32" else ""

    def step(units: int, j: str, sums: str, x: list[str], state: list[str]) -> list[str]:
        return [f"tanh{f}({x[0]} + {sums}[{j}])"]

    _recurrence(s, v, inputs[0], inputs[1], None, inputs[2:3], inputs[3:], outputs, step)


def _recurrence(
    s: Source,
    v: Value,
    x: Ref,
    kernel: Ref,
    bias: Ref | None,
    first: list[Ref],
    mask: list[Ref],
    outputs: list[Ref],
    step: object,
) -> None:
    """Steps over time. The states live in the outputs; ``sums`` holds the states' part."""
    units, width = kernel.shape
    h = outputs[0]
    before = outputs[len(first)]
    time, blocks = h.shape[1], width // units
    for index in s.loops(h.shape[:1]):
        b = index[0]
        with s.block(""):
            s.line(f"{h.ctype} sums[{width}];")
            for n, ref in enumerate(first):
                s.line(f"{h.ctype} state{n}[{units}];")
                with s.loop(units) as j:
                    s.line(f"state{n}[{j}] = {ref.at([b, j])};")
            with s.loop(time, "step") as counted:
                t = f"({time - 1} - {counted})" if v.settings()["reverse"] else counted
                with s.loop(width) as j:
                    s.line(f"sums[{j}] = {bias.at([j]) if bias else '0'};")
                    with s.loop(units) as k:
                        s.line(f"sums[{j}] += state0[{k}] * {kernel.at([k, j])};")
                with s.loop(units) as j:
                    s.line(f"{before.at([b, t, j])} = state0[{j}];")
                hidden = f"if ({mask[0].at([b, t])}) " if mask else ""
                with s.block(f"{hidden}for (int unit = 0; unit < {units}; ++unit)"):
                    given = [x.at([b, t, f"unit + {n * units}"]) for n in range(blocks)]
                    state = [f"state{n}[unit]" for n in range(len(first))]
                    made = step(units, "unit", "sums", given, state)  # type: ignore[operator]
                    for target, text in zip(state, made, strict=True):
                        s.line(f"{target} = {text};")
                with s.loop(units) as j:
                    for n in range(len(first)):
                        s.line(f"{outputs[n].at([b, t, j])} = state{n}[{j}];")
