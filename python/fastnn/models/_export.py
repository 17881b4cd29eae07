"""What a model predicts, for other programs: its traced graph given to the writers of formats."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias

from fastnn.io import _c, _onnx
from fastnn.models._programs import Signature, Trace

if TYPE_CHECKING:
    from fastnn.models._model import Model

Named: TypeAlias = "list[tuple[str, Any]]"


def _signature(model: Model) -> Signature:
    """The model for the inputs that it was built or last called for."""
    if model._graph is None and not model._engine._signatures:
        raise ValueError(
            f"[{type(model).__name__}] {model.name!r} has seen no input yet: build the model, and "
            "predict with a subclassed one, before it is exported"
        )
    if model._graph is None:
        return list(model._engine._signatures.values())[-1]
    return model._engine.signature(None, [])


def to_onnx(model: Model, filepath: str | os.PathLike[str]) -> None:
    """See :meth:`Model.to_onnx`."""
    _onnx.export(filepath, model.name, *_traced(model))


def to_c(
    model: Model, filepath: str | os.PathLike[str], name: str | None, length: int | None
) -> None:
    """See :meth:`Model.to_c`."""
    _c.export(filepath, name or model.name, *_traced(model), length)


def _traced(model: Model) -> tuple[Named, Named]:
    """Names and values of the inputs and of the outputs, in prediction."""
    signature = _signature(model)
    with model._engine._lock:
        trace = Trace(model, signature, training=False)
    if trace.scope.updates:
        raise NotImplementedError(
            f"[{type(model).__name__}] {model.name!r} keeps a state from one prediction to the "
            "next, which an exported model cannot: make its layers with stateful=False"
        )
    inputs = [(name, t._value) for name, t in zip(signature.names, trace.inputs, strict=True)]
    taken = {name for name, _ in inputs}
    outputs = []
    for name, tensor in zip(signature.output_names, trace.outputs, strict=True):
        outputs.append((f"{name}_output" if name in taken else name, tensor._value))
    return inputs, outputs
