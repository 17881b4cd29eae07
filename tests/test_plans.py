"""Planned execution against execution without reuse of memory, on random graphs.

FASTNN_RANDOM_GRAPHS=10000 runs as many; tests/logs/ keeps the record of such a run.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from fastnn import _core
from random_graphs import RandomGraph, compiled, random_graph, run

# Sanitizers slow everything down tenfold.
FEWER = "100" if "FASTNN_SANITIZER" in os.environ else "400"
COUNT = int(os.environ.get("FASTNN_RANDOM_GRAPHS", FEWER))
CHUNK = 50


def same_bits(a, b, what):
    for size, (first, second) in enumerate(zip(a, b, strict=True)):
        for i, (x, y) in enumerate(zip(first, second, strict=True)):
            assert x.shape == y.shape, (what, size, i)
            assert x.tobytes() == y.tobytes(), (what, size, i, x, y)


@pytest.mark.parametrize("chunk", range((COUNT + CHUNK - 1) // CHUNK))
def test_reuse_of_memory_changes_no_bit(chunk):
    for seed in range(chunk * CHUNK, min((chunk + 1) * CHUNK, COUNT)):
        graph = random_graph(seed)
        planned = run(graph, compiled(graph))
        same_bits(planned, run(graph, compiled(graph, reuse_memory=False)), ("separate", seed))
        same_bits(planned, run(graph, compiled(graph, poison=True)), ("poisoned", seed))
        compare_with_single_nodes(graph, planned)


class Single:
    """Runs nodes one by one, each compiled alone, on arrays."""

    def __init__(self, graph: RandomGraph, sizes: tuple[int, int], step: int) -> None:
        self.graph, self.step = graph, step
        # Binds the open axes of nodes whose inputs have lengths such as batch + time.
        dims = [_core.Dim(n) for n in ("batch", "time")]
        self.binder = _core.placeholder("bool", dims)
        self.binding = np.zeros(sizes, bool)

    def values(self, roots, leaves):
        known = dict(leaves)
        for v in _core.topological_order(roots):
            if v in known or v.index > 0:
                continue
            if v.op == "variable":
                continue
            if not v.inputs and v.op in ("placeholder", "parameter"):
                raise AssertionError(f"no value for {v}")
            inputs = [_core.placeholder(i.dtype, i.dims) for i in v.inputs]
            alone = _core.substitute([*_outputs(v)], v.inputs, inputs)
            f = _core.Function([self.binder, *inputs], [("main", alone, [])], self.graph.seed)
            f.set_step(self.step)
            results = f(self.binding, *[known[i] for i in v.inputs])
            known.update(zip(_outputs(v), results, strict=True))
        return [known[r] for r in roots]


def _outputs(v):
    return [o for o in _core.topological_order([v]) if o.id == v.id]


def compare_with_single_nodes(graph, planned):
    graph.reset()
    sizes = graph.sizes[0]
    variables = dict(zip(map(id, graph.variables), graph.initial, strict=True))
    single = Single(graph, sizes, 0)
    expected = []
    arrays = graph.arrays(sizes)
    for _, outputs, updates in graph.sections:
        leaves = {x._value: a for x, a in zip(graph.inputs, arrays, strict=True)}
        leaves |= {v._value: variables[id(v)] for v in graph.variables}
        roots = [t._value for t in outputs] + [t._value for _, t in updates]
        results = single.values(roots, leaves)
        expected += results[: len(outputs)]
        for (v, _), new in zip(updates, results[len(outputs) :], strict=True):
            variables[id(v)] = new
    expected += [variables[id(v)] for v in graph.variables]
    for i, (x, y) in enumerate(zip(planned[0], expected, strict=True)):
        # Where values grow (products of sums), so do rounding errors.
        tolerance = 1e-3 if x.dtype == np.float32 else 1e-9
        scale = max(1.0, float(np.max(np.abs(y[np.isfinite(y)]), initial=0)))
        np.testing.assert_allclose(
            x, y, rtol=tolerance, atol=tolerance * scale, err_msg=f"seed {graph.seed}, value {i}"
        )
