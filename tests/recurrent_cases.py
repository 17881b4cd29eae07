"""Recurrent layers and their inputs, built alike in Keras and in fastnn.

Each case takes the package's ``layers``; weights, inputs, masks and states follow from its number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A layer, and what it is called on.

    Attributes:
        name: a short description.
        build: makes the layer from the package's module of layers.
        shape: of its input.
        masked: whether some steps are.
        states: the sizes of the initial states that are given.
        calls: how often it is called in a row (stateful layers).
    """

    name: str
    build: Callable[[Any], Any]
    shape: tuple[int, ...] = (3, 5, 2)
    masked: bool = False
    states: tuple[int, ...] = ()
    calls: int = 1


def _plain() -> list[Case]:
    found: list[Case] = []
    many = [(1, 1, 1, 1), (3, 5, 2, 4), (2, 7, 5, 3)]  # batch, time, features, units
    options: list[dict[str, Any]] = [
        {"return_sequences": True},
        {"return_sequences": True, "return_state": True, "go_backwards": True},
        {"use_bias": False, "return_state": True},
    ]
    for kind in ("SimpleRNN", "LSTM", "GRU"):
        for *shape, units in many:
            found.append(_case(kind, tuple(shape), units, False))
        for extra in options:
            found.append(_case(kind, (3, 5, 2), 3, False, **extra))
            found.append(_case(kind, (3, 5, 2), 3, True, **extra))
        found.append(_case(kind, (3, 5, 2), 3, True, activation="relu", return_sequences=True))
        found.append(_case(kind, (2, 4, 2), 3, True, zero_output_for_mask=True,
                           return_sequences=True))  # fmt: skip
        count = 2 if kind == "LSTM" else 1
        found.append(_case(kind, (3, 4, 2), 3, False, states=(3,) * count, return_state=True))
        found.append(_case(kind, (2, 3, 2), 3, False, calls=2, stateful=True, return_state=True))
    for extra in (
        {"recurrent_activation": "hard_sigmoid"},
        {"unit_forget_bias": False, "activation": "softsign"},
    ):
        found.append(_case("LSTM", (3, 5, 2), 3, False, **extra))
    for extra in ({"reset_after": False}, {"reset_after": False, "use_bias": False}):
        found.append(_case("GRU", (3, 5, 2), 3, True, return_sequences=True, **extra))
    return found


def _case(
    kind: str,
    shape: tuple[int, ...],
    units: int,
    masked: bool,
    states: tuple[int, ...] = (),
    calls: int = 1,
    **options: Any,
) -> Case:
    text = ",".join(f"{key}={value}" for key, value in options.items())
    name = f"{kind}{shape}{'-masked' if masked else ''}{'-states' if states else ''}-{text}"

    def build(layers: Any) -> Any:
        given = dict(options)
        zero = given.pop("zero_output_for_mask", None)
        layer = getattr(layers, kind)(units, dtype="float64", **given)
        if zero is not None:
            layer.zero_output_for_mask = zero
        return layer

    return Case(name, build, shape, masked, states, calls)


def _both_ways() -> list[Case]:
    found: list[Case] = []
    for kind in ("LSTM", "GRU"):
        for mode in ("concat", "sum", "ave", "mul", None):
            for masked in (False, True):

                def build(k: Any, kind: str = kind, mode: Any = mode) -> Any:
                    inner = getattr(k, kind)(3, return_sequences=mode != "ave", dtype="float64")
                    return k.Bidirectional(inner, merge_mode=mode, dtype="float64")

                name = f"Bidirectional-{kind}-{mode}{'-masked' if masked else ''}"
                found.append(Case(name, build, masked=masked))

    def with_states(k: Any) -> Any:
        inner = k.LSTM(3, return_state=True, return_sequences=True, dtype="float64")
        return k.Bidirectional(inner, dtype="float64")

    found.append(Case("Bidirectional-states", with_states, states=(3, 3, 3, 3)))
    return found


def _cells() -> list[Case]:
    def stacked(k: Any) -> Any:
        cells = [
            k.LSTMCell(3, dtype="float64"),
            k.GRUCell(4, dtype="float64"),
            k.SimpleRNNCell(2, dtype="float64"),
        ]
        return k.RNN(cells, return_sequences=True, dtype="float64")

    def one(kind: str) -> Callable[[Any], Any]:
        def build(k: Any) -> Any:
            cell = getattr(k, f"{kind}Cell")(3, dtype="float64")
            return k.RNN(cell, return_sequences=True, return_state=True, dtype="float64")

        return build

    found = [Case(f"RNN-{kind}Cell", one(kind)) for kind in ("SimpleRNN", "LSTM", "GRU")]
    found.append(Case("StackedRNNCells", stacked))
    dense = Case(
        "TimeDistributed-Dense",
        lambda k: k.TimeDistributed(
            k.Dense(3, activation="tanh", dtype="float64"), dtype="float64"
        ),
    )
    deep = Case(
        "TimeDistributed-LSTM",
        lambda k: k.TimeDistributed(k.LSTM(3, dtype="float64"), dtype="float64"),
        shape=(2, 3, 4, 2),
    )
    return [*found, dense, deep]


CASES = [*_plain(), *_both_ways(), *_cells()]


@dataclass(frozen=True)
class Data:
    """What a case is called on."""

    x: np.ndarray
    mask: np.ndarray | None
    states: list[np.ndarray] | None

    def keywords(self) -> dict[str, Any]:
        """The arguments beside x."""
        given = {"mask": self.mask, "initial_state": self.states}
        return {name: value for name, value in given.items() if value is not None}


def data_of(number: int) -> Data:
    """The inputs of a case."""
    case, rng = CASES[number], np.random.default_rng([7, number])
    mask = None
    if case.masked:  # gaps in the middle, at the front, at the end, and a row that has nothing
        mask = rng.random(case.shape[:2]) < 0.6
        mask[0] = [True, False, *[True] * (case.shape[1] - 2)]
        mask[-1] = False
    states = [rng.normal(size=(case.shape[0], size)) for size in case.states] or None
    return Data(rng.normal(size=case.shape), mask, states)


def weights_of(number: int, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Weights for a case."""
    rng = np.random.default_rng([8, number])
    return [rng.normal(size=shape) * 0.6 for shape in shapes]


def factors_of(number: int, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """What the outputs are multiplied by before their sum is differentiated."""
    rng = np.random.default_rng([9, number])
    return [rng.normal(size=shape) for shape in shapes]
