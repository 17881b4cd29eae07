"""Steps of contrastive divergence, and of maximum likelihood with persistent chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn import graph, ops
from fastnn._tensor import Tensor
from fastnn.models._epochs import Mean, make_trainer
from fastnn.models._programs import Section
from fastnn.models.boltzmann._energy import pseudo_log_likelihood

if TYPE_CHECKING:
    from fastnn.models.boltzmann._rbm import RBM


def gibbs(rbm: RBM, h: Tensor) -> tuple[Tensor, Tensor]:
    """The k steps of the negative phase from hidden states.

    Returns:
        The visible means of the first step, and the visible states of the last.
    """
    sample = rbm.settings.sample_visible

    def down(h: Tensor) -> tuple[Tensor, Tensor]:
        mean = rbm.visible_mean(h)
        return mean, rbm.kind.sample(mean) if sample else mean

    def step(v: Tensor) -> tuple[Tensor, None]:
        return down(rbm.draw_hidden(v))[1], None

    first, v = down(h)
    if rbm.settings.k > 1:
        v, _ = graph.scan(step, initial_state=v, length=rbm.settings.k - 1)
    return first, v


def contrastive_trainer(rbm: RBM) -> tuple[Any, dict[str, Mean]]:
    """The compiled training of a machine, and the figures that it keeps."""
    s = rbm.settings
    v = graph.placeholder(("batch", rbm.kernel.shape[0]), s.dtype, name="x")
    field = rbm.hidden_field(v)
    h = rbm.hidden_kind.mean(field)
    start = rbm.hidden_kind.sample(h) if rbm.chains is None else rbm.chains
    first, v_model = gibbs(rbm, start)
    h_model = rbm.hidden_mean(v_model)
    gradients = _difference(v, h, v_model, h_model)
    updates: list[Any] = []
    if rbm.chains is not None:
        updates.append((rbm.chains, rbm.hidden_kind.sample(h_model)))
    if s.sparsity_cost:
        updates.append(_add_sparsity(rbm, gradients, v, h))
    if s.weight_decay:
        gradients[0] = gradients[0] - s.weight_decay * rbm.kernel
    for parameter, velocity, g in zip(rbm.weights, rbm.velocity, gradients, strict=True):
        change = rbm.rate * g
        if s.momentum:
            change = rbm.momentum_rate * velocity + change
            updates.append((velocity, change))
        updates.append((parameter, parameter + change))
    figures, measured = _figures(rbm, v, field, first)
    sections: list[Section] = [("step", [], []), ("metrics", [], measured), ("update", [], updates)]
    return make_trainer([v], sections), figures


def _difference(v: Tensor, h: Tensor, v_model: Tensor, h_model: Tensor) -> list[Tensor]:
    """Statistics of the data minus those of the model, for kernel and biases."""
    rows = ops.shape_of(v, 0, v.dtype)
    rows_model = ops.shape_of(v_model, 0, v.dtype)
    data = ops.matmul(v, h / rows, transpose_a=True)
    model = ops.matmul(v_model, h_model / rows_model, transpose_a=True)
    return [
        data - model,
        ops.mean(v, axis=0) - ops.mean(v_model, axis=0),
        ops.mean(h, axis=0) - ops.mean(h_model, axis=0),
    ]


def _add_sparsity(rbm: RBM, gradients: list[Tensor], v: Tensor, h: Tensor) -> Any:
    """Pulls hidden units to a mean activity: the derivative of the cross-entropy between that and
    the target, averaged over steps with a decay of 0.9 (Hinton, 2010, section 11).

    Returns:
        The update of the average.
    """
    s = rbm.settings
    activity = 0.9 * rbm.activity + 0.1 * ops.mean(h, axis=0)
    excess = s.sparsity_cost * (activity - s.sparsity_target)
    mean_v = ops.expand_dims(ops.mean(v, axis=0), 1)
    gradients[0] = gradients[0] - mean_v * ops.expand_dims(excess, 0)
    gradients[2] = gradients[2] - excess
    return rbm.activity, activity


def _figures(
    rbm: RBM, v: Tensor, field: Tensor, first: Tensor
) -> tuple[dict[str, Mean], list[Any]]:
    """The figures of a training, and the updates that add them up."""
    rows = ops.shape_of(v, 0, "float64")
    figures: dict[str, Mean] = {}
    measured: list[Any] = []

    def add(name: str, total: Tensor) -> None:
        figures[name] = Mean(name)
        measured.extend(figures[name].updates(ops.cast(total, "float64"), rows))

    if rbm.chains is None:
        add("reconstruction_error", ops.sum(ops.square(v - first)))
    if rbm.kind.name == "bernoulli":
        add("pseudo_log_likelihood", ops.sum(pseudo_log_likelihood(rbm, v, field)))
    return figures, measured
