"""Records where Keras's optimizers end when fed given gradients, in float64.

Two variables, 20 gradients each (one of them zero, some entries zero); the weights after steps
1, 7 and 20. Run: python tests/keras/record_optimizers.py (see README.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recording import keras, plain, save_npz

STEPS = 20
KEPT = (1, 7, 20)
SHAPES = {"kernel": (3, 4), "bias": (5,)}

OWN: dict[str, list[dict[str, Any]]] = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
    "RMSprop": [
        {},
        {"rho": 0.8, "epsilon": 1e-3},
        {"momentum": 0.9},
        {"centered": True},
        {"centered": True, "momentum": 0.5},
    ],
    "Adam": [{}, {"amsgrad": True}, {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}],
    "AdamW": [{}, {"amsgrad": True}],
    "Adamax": [{}, {"beta_1": 0.8, "beta_2": 0.95}],
    "Nadam": [{}, {"beta_1": 0.8, "beta_2": 0.95}],
    "Adagrad": [{}, {"initial_accumulator_value": 0.5, "epsilon": 1e-2}],
    "Adadelta": [{}, {"rho": 0.8, "epsilon": 1e-3}],
    "Lion": [{}, {"beta_1": 0.8, "beta_2": 0.95}],
}

COMMON: list[dict[str, Any]] = [
    {"weight_decay": 0.02},
    {"clipnorm": 0.6},
    {"clipvalue": 0.2},
    {"global_clipnorm": 0.9},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {
        "gradient_accumulation_steps": 3,
        "clipnorm": 0.6,
        "weight_decay": 0.02,
        "use_ema": True,
        "ema_momentum": 0.8,
        "ema_overwrite_frequency": 2,
    },
]

SCHEDULES: list[dict[str, Any]] = [
    {
        "class_name": "ExponentialDecay",
        "config": {"initial_learning_rate": 0.05, "decay_steps": 4, "decay_rate": 0.7},
    },
    {
        "class_name": "PiecewiseConstantDecay",
        "config": {"boundaries": [4, 9], "values": [0.05, 0.02, 0.01]},
    },
    {
        "class_name": "CosineDecay",
        "config": {
            "initial_learning_rate": 0.01,
            "decay_steps": 12,
            "alpha": 0.1,
            "warmup_target": 0.05,
            "warmup_steps": 5,
        },
    },
]


def all_cases() -> list[dict[str, Any]]:
    """Every optimizer with its own options, and each common option with its defaults."""
    cases = []
    for name, variants in OWN.items():
        for options in variants:
            cases.append({"optimizer": name, "options": {"learning_rate": 0.03, **options}})
        for options in COMMON:
            cases.append({"optimizer": name, "options": {"learning_rate": 0.03, **options}})
        cases.append({"optimizer": name, "options": {}})
        cases.append(
            {
                "optimizer": name,
                "options": {"learning_rate": 0.03, "weight_decay": 0.05},
                "exclude": ["bias"],
            }
        )
    for name in ("SGD", "Adam", "Nadam"):
        for schedule in SCHEDULES:
            cases.append({"optimizer": name, "options": {"learning_rate": schedule}})
        cases.append(
            {
                "optimizer": name,
                "options": {"learning_rate": SCHEDULES[0], "gradient_accumulation_steps": 3},
            }
        )
        cases.append(
            {
                "optimizer": name,
                "options": {"learning_rate": 0.03},
                "constraint": {"class_name": "MaxNorm", "config": {"max_value": 1.0}},
            }
        )
        cases.append(
            {
                "optimizer": name,
                "options": {
                    "learning_rate": 0.03,
                    "use_ema": True,
                    "ema_momentum": 0.8,
                    "ema_overwrite_frequency": 3,
                },
                "constraint": {"class_name": "NonNeg", "config": {}},
            }
        )
    for case in cases:
        case["finalize"] = bool(case["options"].get("use_ema"))
    return cases


def run(case: dict[str, Any], start: dict[str, np.ndarray], grads: dict[str, np.ndarray]) -> Any:
    """The weights after the kept steps, and after finalize_variable_values."""
    options = dict(case["options"])
    if isinstance(options.get("learning_rate"), dict):
        schedule = options["learning_rate"]
        cls = getattr(keras.optimizers.schedules, schedule["class_name"])
        options["learning_rate"] = cls(**schedule["config"])
    optimizer = getattr(keras.optimizers, case["optimizer"])(**options)
    if "exclude" in case:
        optimizer.exclude_from_weight_decay(var_names=case["exclude"])
    constraint = case.get("constraint")
    variables = []
    for name in SHAPES:
        variable = keras.Variable(start[name], dtype="float64", name=name)
        if constraint:
            variable.constraint = getattr(keras.constraints, constraint["class_name"])(
                **constraint["config"]
            )
        variables.append(variable)
    kept = []
    for step in range(STEPS):
        optimizer.apply_gradients([(grads[v.name][step], v) for v in variables])
        if step + 1 in KEPT:
            kept.append(np.concatenate([np.ravel(v.numpy()) for v in variables]))
    optimizer.finalize_variable_values(variables)
    kept.append(np.concatenate([np.ravel(v.numpy()) for v in variables]))
    return np.stack(kept)


def main() -> None:
    """Runs every case and writes figures/optimizers.npz."""
    rng = np.random.default_rng(7)
    start = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    grads = {name: rng.normal(size=(STEPS, *shape)) for name, shape in SHAPES.items()}
    for name, values in grads.items():
        values[rng.random(values.shape) < 0.1] = 0.0
        values[11] = 0.0
        grads[name] = np.round(values, 6)
    cases = all_cases()
    results = np.stack([run(case, start, grads) for case in cases])
    save_npz(
        "optimizers",
        plain(cases),
        results=results,
        kept=np.array(KEPT),
        **{f"start_{name}": value for name, value in start.items()},
        **{f"grads_{name}": value for name, value in grads.items()},
    )


if __name__ == "__main__":
    main()
