"""Recurrent layers in ONNX: scans over time whose bodies say one step.

ONNX's own LSTM and GRU give the cell's state at the last step only, and have no masks of single
steps; a scan has both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastnn.io._onnx import Builder, Value, convert

# One step: the builder, what the input adds to the gates, the states; gives the new states.
Step = Callable[[Builder, str, list[str]], list[str]]


def lstm(b: Builder, v: Value, x: list[str]) -> list[str]:
    """A long short-term memory; outputs h, c and h before each step."""

    def step(body: Builder, gates: str, states: list[str]) -> list[str]:
        h, c = states
        total = body.op("Add", [gates, body.op("MatMul", [h, x[1]])])
        i, f, g, o = body.op("Split", [total], outputs=4, axis=-1, num_outputs=4)
        kept = body.op("Mul", [body.op("Sigmoid", [f]), c])
        new = body.op("Mul", [body.op("Sigmoid", [i]), body.op("Tanh", [g])])
        c = body.op("Add", [kept, new])
        return [body.op("Mul", [body.op("Sigmoid", [o]), body.op("Tanh", [c])]), c]

    return _scan(b, v, step, x[0], x[2:4], x[4:])


def gru(b: Builder, v: Value, x: list[str]) -> list[str]:
    """A gated recurrent unit; outputs h and h before each step."""

    def step(body: Builder, gates: str, states: list[str]) -> list[str]:
        (h,) = states
        inner = body.op("Add", [body.op("MatMul", [h, x[1]]), x[2]])
        z, r, n = body.op("Split", [gates], outputs=3, axis=-1, num_outputs=3)
        p, q, s = body.op("Split", [inner], outputs=3, axis=-1, num_outputs=3)
        z = body.op("Sigmoid", [body.op("Add", [z, p])])
        r = body.op("Sigmoid", [body.op("Add", [r, q])])
        m = body.op("Tanh", [body.op("Add", [n, body.op("Mul", [r, s])])])
        # z h + (1 - z) m
        return [body.op("Add", [m, body.op("Mul", [z, body.op("Sub", [h, m])])])]

    return _scan(b, v, step, x[0], x[3:4], x[4:])


def simple_rnn(b: Builder, v: Value, x: list[str]) -> list[str]:
    """Elman's recurrence; outputs h and h before each step."""

    def step(body: Builder, gates: str, states: list[str]) -> list[str]:
        return [body.op("Tanh", [body.op("Add", [gates, body.op("MatMul", [states[0], x[1]])])])]

    return _scan(b, v, step, x[0], x[2:3], x[3:])


def _scan(
    b: Builder, v: Value, step: Step, sequence: str, states: Sequence[str], mask: Sequence[str]
) -> list[str]:
    """A loop over time. Outputs: each state after each step, and the first one before it."""
    body = b.body()
    kinds = [v.dtype] * (len(states) + 1) + ["bool"] * len(mask)
    names = [body.name("state") for _ in states] + [body.name("step")]
    names += [body.name("seen") for _ in mask]
    before = names[: len(states)]
    new = step(body, names[len(states)], before)
    if mask:  # a hidden step leaves its row's state as it was
        seen = body.op("Unsqueeze", [names[-1], body.ints([1])])
        new = [body.op("Where", [seen, a, o]) for a, o in zip(new, before, strict=True)]
    results = [*new, *(body.op("Identity", [n]) for n in new), body.op("Identity", [before[0]])]
    graph = body.as_graph(list(zip(names, kinds, strict=True)), [(r, v.dtype) for r in results])
    count = len(states) + 1
    inputs, backwards = 1 + len(mask), int(v.settings()["reverse"])
    made = b.op(
        "Scan",
        [*states, sequence, *mask],
        outputs=len(states) + count,
        body=graph,
        num_scan_inputs=inputs,
        scan_input_axes=[1] * inputs,
        scan_input_directions=[backwards] * inputs,
        scan_output_axes=[1] * count,
        scan_output_directions=[backwards] * count,
    )
    return list(made[len(states) :])


def loop(b: Builder, v: Value, x: list[str]) -> list[str]:
    """A loop of one's own: values carried on, sequences taken apart and stacked again."""
    s = v.settings()
    body, carried, sequences = b.body(), s["carried"], s["sequences"]
    parameters, results = s["body"].parameters, s["body"].outputs
    kinds = [p.dtype for p in parameters[: carried + sequences]]
    names = [body.name("state" if i < carried else "step") for i in range(len(kinds))]
    scanned = x[carried : carried + sequences]
    if not scanned:  # a scan goes over something
        scanned = [b.op("Expand", [b.constant(0.0, "float32"), b.shape(s["trip"])])]
        names.append(body.name("step"))
        kinds.append("float32")
    inner = dict(zip(((p.id, p.index) for p in parameters), names, strict=False))
    rest = zip(parameters[carried + sequences :], x[carried + sequences :], strict=True)
    inner |= {(p.id, p.index): name for p, name in rest}
    made = [body.op("Identity", [name]) for name in convert(body, results, inner)]
    outputs = [(name, r.dtype) for name, r in zip(made, results, strict=True)]
    graph = body.as_graph(list(zip(names, kinds, strict=True)), outputs)
    stacked, backwards = len(results) - carried, int(s["reverse"])
    found = b.op(
        "Scan",
        [*x[:carried], *scanned],
        outputs=len(results),
        body=graph,
        num_scan_inputs=len(scanned),
        scan_input_directions=[backwards] * len(scanned),
        **({"scan_output_directions": [backwards] * stacked} if stacked else {}),
    )
    return [found] if isinstance(found, str) else list(found)
