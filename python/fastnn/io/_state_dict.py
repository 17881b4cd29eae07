"""Weights by name, in fastnn's words or in those of PyTorch's layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn._tensor import Variable
from fastnn.layers import _track

Array = NDArray[Any]
Turn = Callable[[Array], Array]


def _same(array: Array) -> Array:
    return array


def _turned(array: Array) -> Array:
    return np.ascontiguousarray(array.T)


def _kernel_out(array: Array) -> Array:
    """(spatial..., depth, filters) to (filters, depth, spatial...)."""
    return np.ascontiguousarray(np.moveaxis(array, (-1, -2), (0, 1)))


def _kernel_in(array: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(array, (0, 1), (-1, -2)))


def _gru_out(array: Array) -> Array:
    """Blocks z, r, n of the last axis to r, z, n of the first."""
    z, r, n = np.split(array, 3, axis=-1)
    return np.ascontiguousarray(np.concatenate([r, z, n], axis=-1).T)


def _gru_in(array: Array) -> Array:
    r, z, n = np.split(array.T, 3, axis=-1)
    return np.ascontiguousarray(np.concatenate([z, r, n], axis=-1))


Words = dict[str, tuple[str, Turn, Turn]]

_DENSE: Words = {"kernel": ("weight", _turned, _turned), "bias": ("bias", _same, _same)}
_CONV: Words = {"kernel": ("weight", _kernel_out, _kernel_in), "bias": ("bias", _same, _same)}
_NORM: Words = {"gamma": ("weight", _same, _same), "beta": ("bias", _same, _same)}
_BATCH_NORM: Words = {
    **_NORM,
    "moving_mean": ("running_mean", _same, _same),
    "moving_variance": ("running_var", _same, _same),
}
_RECURRENT: Words = {
    "kernel": ("weight_ih_l0", _turned, _turned),
    "recurrent_kernel": ("weight_hh_l0", _turned, _turned),
}

# Class: variable to PyTorch's name, and how the numbers are turned there and back.
_TORCH: dict[str, Words] = {
    "Dense": _DENSE,
    "Conv1D": _CONV,
    "Conv2D": _CONV,
    "Conv1DTranspose": _CONV,
    "Conv2DTranspose": _CONV,
    "BatchNormalization": _BATCH_NORM,
    "LayerNormalization": _NORM,
    "Embedding": {"embeddings": ("weight", _same, _same)},
    "PReLU": {"alpha": ("weight", _same, _same)},
    "SimpleRNN": _RECURRENT,
    "LSTM": _RECURRENT,
    "GRU": {
        "kernel": ("weight_ih_l0", _gru_out, _gru_in),
        "recurrent_kernel": ("weight_hh_l0", _gru_out, _gru_in),
    },
}


class _Entry:
    """One array of a state dict.

    Args:
        name: its name.
        variable: where its numbers come from.
        out: turns them into the array.
        back: takes the array and the variable's present numbers, gives the new ones.
    """

    def __init__(
        self, name: str, variable: Variable, out: Turn, back: Callable[[Array, Array], Array]
    ) -> None:
        self.name = name
        self.variable = variable
        self.out = out
        self.back = back


def _layers(model: Any, separator: str) -> Iterator[tuple[str, Any]]:
    """All layers with variables of their own, with the names that lead to them."""
    seen: set[int] = set()

    def visit(layer: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        yield prefix, layer
        if type(layer).__name__ in _TORCH and separator == ".":
            return  # a recurrent layer's cell belongs to it
        for inner in _track.sublayers(layer):
            yield from visit(inner, f"{prefix}{inner.name}{separator}")

    yield from visit(model, "")


def _entries(model: Any, style: str) -> list[_Entry]:
    if style not in ("fastnn", "torch"):
        raise ValueError(f"expected the style 'fastnn' or 'torch', got {style!r}")
    if not model.weights:
        raise ValueError(f"[{type(model).__name__}] {model.name!r} has no weights yet: build it")
    found: list[_Entry] = []
    for prefix, layer in _layers(model, "/" if style == "fastnn" else "."):
        if style == "fastnn":
            variables = _track.own_variables(layer)
            found += [_Entry(prefix + v.name, v, _same, lambda a, _: a) for v in variables]
        else:
            found += _torch_entries(prefix, layer)
    return found


def _torch_entries(prefix: str, layer: Any) -> Iterator[_Entry]:
    kind = type(layer).__name__
    variables = layer.weights if kind in _TORCH else _track.own_variables(layer)
    if variables and kind not in _TORCH:
        raise NotImplementedError(f"[{kind}] {layer.name!r} has no counterpart in PyTorch")
    known = _TORCH.get(kind, {})
    for variable in variables:
        if variable.name in known:
            name, out, back = known[variable.name]
            yield _Entry(prefix + name, variable, out, _from_alone(back))
        elif variable.name == "bias":
            yield from _recurrent_biases(prefix, kind, variable)
        else:
            raise NotImplementedError(
                f"[{kind}] {variable.name!r} of {layer.name!r} has no counterpart in PyTorch"
            )


def _from_alone(back: Turn) -> Callable[[Array, Array], Array]:
    return lambda array, present: back(array)


def _recurrent_biases(prefix: str, kind: str, bias: Variable) -> Iterator[_Entry]:
    """PyTorch adds two biases to every gate; where there is one here, its second is zero."""
    gru = kind == "GRU"
    forth: Turn = (lambda a: _gru_out(a[None])[:, 0]) if gru else _same
    back: Turn = (lambda a: _gru_in(a[:, None])[0]) if gru else _same
    if gru and len(bias.shape) != 2:
        raise NotImplementedError("[GRU] reset_after=False has no counterpart in PyTorch")

    def row(which: int) -> Turn:
        if gru:
            return lambda a: forth(a[which])
        return _same if which == 0 else np.zeros_like

    def put(which: int) -> Callable[[Array, Array], Array]:
        def into(array: Array, present: Array) -> Array:
            if not gru:
                return array if which == 0 else present + array
            present[which] = back(array)
            return present

        return into

    yield _Entry(f"{prefix}bias_ih_l0", bias, row(0), put(0))
    yield _Entry(f"{prefix}bias_hh_l0", bias, row(1), put(1))


def state_dict(model: Any, style: str = "fastnn") -> dict[str, Array]:
    """The weights of a model by name.

    Args:
        model: a model or layer that is built.
        style: "fastnn", as in its files ("dense/kernel"), or "torch": names, shapes and gate
            orders of PyTorch's layers ("dense.weight", turned).

    Returns:
        Arrays by name, copied.

    Raises:
        ValueError: for another style, or a model that is not built.
        NotImplementedError: for a layer that PyTorch does not have.

    Example:
        >>> from fastnn.layers import Dense
        >>> layer = Dense(2, name="out")
        >>> layer.build((None, 3))
        >>> {name: array.shape for name, array in state_dict(layer, "torch").items()}
        {'weight': (2, 3), 'bias': (2,)}
    """
    entries = _entries(model, style)
    return {entry.name: np.array(entry.out(entry.variable.get_value())) for entry in entries}


def load_state_dict(
    model: Any, arrays: Mapping[str, ArrayLike], style: str = "fastnn", strict: bool = True
) -> None:
    """Sets the weights of a model by name, all or none of them.

    Args:
        model: a model or layer that is built.
        arrays: by name, as :func:`state_dict` gives them; tensors of PyTorch do as well.
        style: "fastnn" or "torch".
        strict: whether each weight must have an array, and each array a weight; default True.
            PyTorch's num_batches_tracked is never asked for.

    Raises:
        ValueError: for another style or shape, or names that are missing or left over.
        NotImplementedError: for a layer that PyTorch does not have.

    Example:
        >>> from fastnn.layers import Dense
        >>> layer = Dense(1)
        >>> layer.build((None, 2))
        >>> load_state_dict(layer, {"weight": [[3.0, 4.0]], "bias": [0.5]}, "torch")
        >>> layer.get_weights()[0].ravel()
        array([3., 4.], dtype=float32)
    """
    entries = _entries(model, style)
    names = {entry.name for entry in entries}
    given = {name: a for name, a in arrays.items() if not name.endswith("num_batches_tracked")}
    missing, extra = sorted(names - set(given)), sorted(set(given) - names)
    if strict and (missing or extra):
        raise ValueError(
            f"expected arrays for all weights: missing {', '.join(missing) or 'none'}, left over "
            f"{', '.join(extra) or 'none'}"
        )
    values: dict[int, tuple[Variable, Array]] = {}
    for entry in entries:
        if entry.name not in given:
            continue
        variable = entry.variable
        array = np.asarray(given[entry.name])
        wanted = entry.out(variable.get_value()).shape
        if array.shape != wanted:
            raise ValueError(f"{entry.name}: expected shape {wanted}, got {array.shape}")
        present = values.get(id(variable), (variable, variable.get_value()))[1]
        values[id(variable)] = (variable, entry.back(array, present))
    for variable, value in values.values():
        variable.set_value(np.asarray(value, variable.dtype))
