"""A model's compiled programs: predictions, training steps, evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from fastnn import _core, graph, ops
from fastnn._random import current_seed, streams_of
from fastnn._tensor import Tensor, Variable
from fastnn.layers import _history, _scope
from fastnn.layers._nest import flatten, is_deep, map_structure, pack_like
from fastnn.models._columns import Columns
from fastnn.models._objective import Objective

if TYPE_CHECKING:
    from fastnn.models._trainable import Trainable

Section: TypeAlias = "tuple[str, list[Tensor], list[Any]]"


class Trace:
    """A model applied to placeholders, in training or not.

    Attributes:
        inputs: the placeholders.
        outputs: flattened.
        structure: of the outputs.
        scope: what the layers added beside them.
    """

    def __init__(self, model: Trainable, signature: Signature, training: bool) -> None:
        self.inputs = [
            graph.placeholder(("batch", *tail), dtype, name=name)
            for name, tail, dtype in zip(
                signature.names, signature.tails, signature.dtypes, strict=True
            )
        ]
        packed = pack_like(signature.template, list(self.inputs))
        with _scope.tracing(training) as self.scope:
            outputs = model._trace(self.scope, (packed,), {})
        self.outputs: list[Tensor] = flatten(outputs)
        self.structure = outputs
        for output in self.outputs:
            if not isinstance(output, Tensor):
                raise TypeError(
                    f"[{type(model).__name__}] expected call() to return tensors, got "
                    f"{type(output).__name__}"
                )


class Signature:
    """What the programs of a model are compiled for: structure, shapes and dtypes of its inputs.

    Args:
        model: the model.
        template: the structure of the inputs.
        names: of the inputs.
        tails: their shapes behind the batch.
        dtypes: theirs.
    """

    def __init__(
        self,
        model: Trainable,
        template: Any,
        names: list[str],
        tails: list[tuple[int | None, ...]],
        dtypes: list[str],
    ) -> None:
        self.template = template
        self.names = names
        self.tails = tails
        self.dtypes = dtypes
        trace = Trace(model, self, training=False)
        places = {_history.key(tensor): at for at, tensor in enumerate(trace.inputs)}
        # (input, rows of the table) of inputs that index one.
        self.lookups = [
            (places[_history.key(tensor)], rows)
            for tensor, rows in trace.scope.lookups
            if _history.key(tensor) in places
        ]
        self.output_template = map_structure(lambda _: None, trace.structure)
        self.output_shapes = [tuple(tensor.shape) for tensor in trace.outputs]
        self.output_dtypes = [tensor.dtype for tensor in trace.outputs]
        self.output_names = _output_names(model, trace.structure)
        program = compile_sections(
            trace.inputs, [("predict", trace.outputs, trace.scope.updates)], model._device
        )
        self.predictor = _core.Predictor(program, model._engine.guard, current_seed())
        self.steps: dict[Any, Step] = {}
        # For which settings of compile(), and which outputs need targets.
        self.wanted: tuple[Any, list[bool]] | None = None


def _output_names(model: Trainable, structure: Any) -> list[str]:
    if model._graph is not None:
        return model._graph.output_names()
    if isinstance(structure, dict) and not is_deep(structure):
        return sorted(structure)
    return [f"output_{number + 1}" for number in range(len(flatten(structure)))]


class Step:
    """A compiled pass over batches: training steps, or evaluation.

    Args:
        model: the model.
        signature: of its inputs.
        objective: its cost and metrics.
        columns: data of the kind that it is compiled for.
        training: whether the variables are updated.
    """

    def __init__(
        self,
        model: Trainable,
        signature: Signature,
        objective: Objective,
        columns: Columns,
        training: bool,
    ) -> None:
        if training:
            with streams_of(model._engine.clock.streams()):
                self._compile(model, signature, objective, columns, training)
        else:
            self._compile(model, signature, objective, columns, training)

    def _compile(
        self,
        model: Trainable,
        signature: Signature,
        objective: Objective,
        columns: Columns,
        training: bool,
    ) -> None:
        trace = Trace(model, signature, training)
        targets: list[Tensor | None] = [
            None
            if array is None
            else graph.placeholder(
                ("batch", *array.shape[1:]), objective.target_dtype(number, dtype), name="y"
            )
            for number, (array, dtype) in enumerate(
                zip(columns.y, signature.output_dtypes, strict=False)
            )
        ]
        weights: list[Tensor | None] = [
            None
            if array is None
            else graph.placeholder(("batch", *array.shape[1:]), dtype, name="sample_weight")
            for array, dtype in zip(columns.weights, signature.output_dtypes, strict=True)
        ]
        added = [*trace.scope.losses, *model.losses]
        total, parts = objective.cost(trace.outputs, targets, weights, added)
        rows = ops.shape_of(trace.inputs[0], 0, "float64")
        measured = objective.updates(trace.outputs, targets, weights, total, parts, rows)
        states = trace.scope.updates
        sections: list[Section] = [("metrics", [], [*measured, *states])]
        every: dict[str, int] = {}
        if training:
            sections, every = _training_sections(model, total, measured, states)
        inputs = [*trace.inputs, *(t for t in [*targets, *weights] if t is not None)]
        program = compile_sections(inputs, sections, model._device)
        self.trainer = _core.Trainer(program, every, model._engine.guard)


def _training_sections(
    model: Trainable,
    total: Tensor,
    measured: Sequence[tuple[Variable, Tensor]],
    states: Sequence[tuple[Variable, Tensor]],
) -> tuple[list[Section], dict[str, int]]:
    """The sections of a training step, and how many steps an update takes.

    The first computes and writes nothing, so that it can be interrupted. Figures come before the
    update: they belong to the weights that the forward pass has used. The layers' states change
    where the gradients are used, not before: gradients read the states that the pass began with.
    """
    variables = model.trainable_weights
    if not variables:
        raise ValueError(
            f"[{type(model).__name__}] {model.name!r} has no trainable weights: there is nothing "
            "to fit"
        )
    optimizer = model.optimizer
    try:
        optimizer.build(variables)
    except ValueError as error:
        raise ValueError(
            f"[{type(model).__name__}] {model.name!r} has other trainable weights than those its "
            f"optimizer was built for: call compile() again, with a new optimizer ({error})"
        ) from error
    lay_side_by_side(variables, optimizer)
    plan = optimizer.updates(graph.grad(total, variables), variables)
    sums, update = list(plan.step_updates), list(plan.update_effects)
    (sums if plan.every > 1 else update).extend(states)
    sections: list[Section] = [
        ("step", [], []),
        ("metrics", [], [*measured, *sums]),
        ("update", [], update),
        ("after", [], list(plan.post_updates)),
    ]
    return sections, {"update": int(plan.every)}


def lay_side_by_side(variables: Sequence[Variable], optimizer: Any) -> None:
    """Lays parameters, and each family of their state, side by side: one pass updates them."""
    families = [list(variables), *zip(*(optimizer.slots(v) for v in variables), strict=True)]
    for family in families:
        for dtype in {variable.dtype for variable in family}:
            _core.make_contiguous([v._storage for v in family if v.dtype == dtype])


def compile_sections(
    inputs: Sequence[Tensor], sections: Sequence[Section], device: str | None = None
) -> Any:
    """Compiles sections of tensors and updates.

    Args:
        inputs: the placeholders.
        sections: (name, outputs, updates).
        device: where they run; default: that of ``fastnn.set_device``.
    """
    values = [tensor._value for tensor in inputs]
    return _core.Program(values, plain_sections(sections), device=device or "")


def plain_sections(sections: Sequence[Section]) -> list[Any]:
    """Sections as the core takes them: values, and variables with what they become."""

    def update(item: Any) -> Any:
        if isinstance(item, _core.Effect):
            return item
        variable, value = item
        return variable._storage, _core.cast(value._value, variable.dtype)

    return [
        (name, [tensor._value for tensor in outputs], [update(item) for item in updates])
        for name, outputs, updates in sections
    ]
