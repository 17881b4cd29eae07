"""L-BFGS over all rows at once, by SciPy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.optimize import minimize as scipy_minimize
from sklearn.exceptions import ConvergenceWarning

from fastnn import graph
from fastnn.sklearn._network import Array


def minimize(estimator: Any, x: Array, target: Array, weights: Array | None) -> None:
    """Trains an estimator's network to convergence, max_iter iterations or max_fun costs.

    Source: Liu and Nocedal, 1989, "On the limited memory BFGS method for large scale optimization".

    Warns:
        ConvergenceWarning: where it has not converged.
    """
    network = estimator._network
    cost, start = _cost(network, x, target, weights)
    done = scipy_minimize(
        cost,
        start,
        method="L-BFGS-B",
        jac=True,
        options={
            "maxfun": estimator.max_fun,
            "maxiter": estimator.max_iter,
            "gtol": estimator.tol,
        },
    )
    network.set_weights(_unpacked(done.x, network.get_weights()))
    estimator.n_iter_ = min(int(done.nit), estimator.max_iter)
    estimator.loss_ = float(done.fun)
    if estimator.verbose:
        print(f"{done.nit} iterations, {done.nfev} costs, loss = {done.fun:.8f}")
    if done.status != 0:
        message = done.message if isinstance(done.message, str) else done.message.decode()
        warnings.warn(
            f"[{type(estimator).__name__}] lbfgs has not converged after {done.nit} iterations: "
            f"{message}; raise max_iter, or scale the data",
            ConvergenceWarning,
            stacklevel=5,
        )


def _cost(network: Any, x: Array, target: Array, weights: Array | None) -> Any:
    """A function from packed weights to the cost and its gradient, and the present weights."""
    dtype = network.settings.dtype
    given = [x, target] if weights is None else [x, target, weights]
    inputs = [
        graph.placeholder(
            ("batch", *array.shape[1:]), "int64" if array.dtype.kind == "i" else dtype
        )
        for array in given
    ]
    arrays = [np.asarray(a, i.dtype) for a, i in zip(given, inputs, strict=True)]
    if weights is not None:
        network.loss.mean_weight.set_value(weights.mean())
    outputs = network.model(inputs[0])
    total = network.loss(inputs[1], outputs, *inputs[2:])
    variables = network.model.trainable_weights
    run = graph.function(inputs, [total, *graph.grad(total, variables)])
    like = network.get_weights()

    def cost(packed: Any) -> tuple[float, Any]:
        network.set_weights(_unpacked(packed, like))
        value, *gradients = run(*arrays)
        return float(value), _packed(gradients)

    return cost, _packed(like)


def _packed(arrays: list[Array]) -> Any:
    """All kernels, then all biases, in one vector."""
    return np.concatenate([a.ravel() for a in arrays[0::2] + arrays[1::2]]).astype(np.float64)


def _unpacked(packed: Any, like: list[Array]) -> list[Array]:
    """What was packed, as arrays of the shapes and dtypes of others."""
    order = [*range(0, len(like), 2), *range(1, len(like), 2)]
    parts = np.split(packed, np.cumsum([like[i].size for i in order])[:-1])
    arrays = dict(zip(order, parts, strict=True))
    return [arrays[i].reshape(a.shape).astype(a.dtype) for i, a in enumerate(like)]
