"""Records Keras's activations (with gradients), regularizers, constraints and schedules.

In float64. Run: python tests/keras/record_parts.py (see README.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recording import jax, keras, save_json

ACTIVATIONS: list[tuple[str, dict[str, Any]]] = [
    ("relu", {}),
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 1.5}),
    ("relu", {"threshold": 0.5}),
    ("relu", {"negative_slope": 0.1, "max_value": 1.5, "threshold": 0.5}),
    ("relu6", {}),
    ("leaky_relu", {}),
    ("leaky_relu", {"negative_slope": 0.3}),
    ("elu", {}),
    ("elu", {"alpha": 0.7}),
    ("selu", {}),
    ("celu", {}),
    ("celu", {"alpha": 0.7}),
    ("gelu", {}),
    ("gelu", {"approximate": True}),
    ("silu", {}),
    ("mish", {}),
    ("softplus", {}),
    ("softsign", {}),
    ("softmax", {}),
    ("softmax", {"axis": 0}),
    ("log_softmax", {}),
    ("log_softmax", {"axis": 0}),
    ("sigmoid", {}),
    ("log_sigmoid", {}),
    ("hard_sigmoid", {}),
    ("hard_silu", {}),
    ("tanh", {}),
    ("hard_tanh", {}),
    ("exponential", {}),
    ("linear", {}),
]

REGULARIZERS: list[tuple[str, dict[str, Any]]] = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("OrthogonalRegularizer", {"factor": 0.1}),
    ("OrthogonalRegularizer", {"factor": 0.1, "mode": "columns"}),
]

CONSTRAINTS: list[tuple[str, dict[str, Any]]] = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.7, "axis": 1}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {"min_value": 0.9, "max_value": 1.2}),
    ("MinMaxNorm", {"min_value": 0.9, "max_value": 1.2, "rate": 0.3, "axis": 1}),
]

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.6}),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.6, "staircase": True},
    ),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.6}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.6, "staircase": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10], "values": [0.1, 0.05, 0.01]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 9}),
    (
        "PolynomialDecay",
        {
            "initial_learning_rate": 0.1,
            "decay_steps": 9,
            "end_learning_rate": 0.01,
            "power": 2.0,
            "cycle": True,
        },
    ),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 12, "alpha": 0.05}),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.01,
            "decay_steps": 12,
            "warmup_target": 0.1,
            "warmup_steps": 5,
        },
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 4}),
    (
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 5,
            "t_mul": 1.0,
            "m_mul": 0.8,
            "alpha": 0.1,
        },
    ),
]

STEPS = (0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 20, 37)


def main() -> None:
    """Writes figures/parts.json."""
    rng = np.random.default_rng(9)
    x = np.round(rng.normal(scale=2.5, size=(5, 6)), 3)
    x[0] = [-8.0, -3.5, -0.25, 0.25, 3.5, 8.0]
    factor = np.round(rng.normal(size=(5, 6)), 3)
    w = np.round(rng.normal(scale=0.6, size=(4, 3)), 4)
    cases: list[dict[str, Any]] = []
    for name, config in ACTIVATIONS:
        function = getattr(keras.activations, name)

        def weighted(value: Any, function: Any = function, config: Any = config) -> Any:
            return (function(value, **config) * factor).sum()

        cases.append(
            {
                "activation": name,
                "config": config,
                "value": function(x, **config),
                "gradient": jax.grad(weighted)(x),
            }
        )
    for kind, module, list_ in (
        ("regularizer", keras.regularizers, REGULARIZERS),
        ("constraint", keras.constraints, CONSTRAINTS),
    ):
        for name, config in list_:
            value = getattr(module, name)(**config)(keras.ops.convert_to_tensor(w))
            cases.append({kind: name, "config": config, "value": value})
    for name, config in SCHEDULES:
        schedule = getattr(keras.optimizers.schedules, name)(**config)
        cases.append(
            {"schedule": name, "config": config, "value": [float(schedule(s)) for s in STEPS]}
        )
    save_json("parts", {"x": x, "factor": factor, "w": w, "steps": STEPS}, cases)


if __name__ == "__main__":
    main()
