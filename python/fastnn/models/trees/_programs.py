"""What a recursive network compiles: training steps and predictions over batches of trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn import _core, graph, ops
from fastnn._tensor import Tensor
from fastnn.models._epochs import Mean
from fastnn.models._programs import Section, compile_sections, lay_side_by_side
from fastnn.models.trees import _forest as forest

if TYPE_CHECKING:
    from fastnn.models.trees._rntn import RNTN


class Programs:
    """What a model's training and predictions share; they are compiled when they are first used.

    Attributes:
        guard: keeps predictions off half-made updates.
        figures: added up by the training steps.
    """

    def __init__(self) -> None:
        self.guard = _core.Guard()
        self.figures = {name: Mean(name) for name in ("loss", "accuracy")}
        self.trainer: Any = None
        self.predictor: Any = None


def of(model: RNTN) -> Programs:
    """The programs of a model, which it drops when it is compiled anew."""
    if "programs" not in model._made:
        model._made["programs"] = Programs()
    made: Programs = model._made["programs"]
    return made


def trainer_of(model: RNTN) -> Any:
    """A trainer over trees."""
    made = of(model)
    if made.trainer is not None:
        return made.trainer
    inputs = forest.inputs()
    with model._traced():
        logits = _logits(model, inputs, training=True)
    losses = ops.sparse_softmax_cross_entropy(logits, inputs[1])
    right = ops.equal(ops.argmax(logits, axis=1), inputs[1])
    nodes = ops.shape_of(losses, 0, "float64")
    measured = []
    for figure, values in zip(made.figures.values(), (losses, right), strict=True):
        measured += figure.updates(ops.sum(ops.cast(values, "float64")), nodes)
    cost = ops.mean(losses)
    for weight in (*model.cell.weights, model.kernel):
        cost = cost + 0.5 * model.l2 * ops.sum(ops.square(weight))
    model.optimizer.build(model.weights)
    lay_side_by_side(model.weights, model.optimizer)
    plan = model.optimizer.updates(graph.grad(cost, model.weights), model.weights)
    sections: list[Section] = [
        ("step", [], []),
        ("metrics", [], [*measured, *plan.step_updates]),
        ("update", [], plan.update_effects),
        ("after", [], plan.post_updates),
    ]
    program = compile_sections(inputs, sections)
    made.trainer = _core.Trainer(program, {"update": int(plan.every)}, made.guard)
    return made.trainer


def predictor_of(model: RNTN) -> Any:
    """What gives probabilities and losses of all nodes."""
    made = of(model)
    if made.predictor is None:
        inputs = forest.inputs()
        logits = _logits(model, inputs, training=False)
        losses = ops.sparse_softmax_cross_entropy(logits, inputs[1])
        program = compile_sections(inputs, [("main", [ops.softmax(logits), losses], [])])
        made.predictor = _core.ForestPredictor(program, made.guard)
    return made.predictor


def _logits(model: RNTN, inputs: list[Tensor], training: bool) -> Any:
    """Scores of all nodes, level by level from the leaves."""
    words, _, left, right, counts = inputs
    n = model.cell.states

    def step(*children: Tensor) -> Any:
        return model.cell.node(list(children[:n]), list(children[n:]))

    vectors = ops.take(model.vectors, words, axis=0)
    leaves = model.cell.leaf(_dropped(vectors, model.vector_dropout if training else 0))
    h = graph.tree_scan(step, leaves, left, right, counts)[0]
    h = _dropped(h, model.dropout if training else 0)
    return ops.matmul(h, model.kernel) + model.bias


def _dropped(h: Tensor, share: float) -> Any:
    kept = 1.0 - share
    return h * ops.random_bernoulli(h.dims, kept, h.dtype) / kept if share else h
