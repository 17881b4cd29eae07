"""A model and its compilation as plain data, and made again from it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _registry as registry
from fastnn import losses, metrics, optimizers
from fastnn.layers import Lambda, _track
from fastnn.layers._arguments import is_shape
from fastnn.models._model import layer_from_config

if TYPE_CHECKING:
    from fastnn.models._trainable import Trainable

# More thresholds or classes than this are no description of a model but an attack on memory.
_COUNT_LIMIT = 10_000_000


def architecture(model: Trainable) -> dict[str, Any]:
    """Class, configuration and the shapes that a subclassed model was built for.

    Args:
        model: the model.

    Raises:
        ValueError: for a layer that holds code, or terms of the cost between layers.
        NotImplementedError: for a subclassed model or layer without get_config().
    """
    owner = type(model).__name__
    for layer in _track.layers_within(model):
        if isinstance(layer, Lambda):
            raise ValueError(
                f"[{owner}] {layer.name!r} is a Lambda layer, whose function a file cannot hold: "
                "write it as a subclass of fastnn.layers.Layer, or use save_weights()"
            )
        if getattr(layer, "_symbolic_losses", None):
            raise ValueError(
                f"[{owner}] {layer.name!r} has terms from add_loss() between its layers, which a "
                "file cannot hold: add them in the call() of a layer, or use save_weights()"
            )
    config = model.get_config()
    if _names_a_lambda(config):
        raise ValueError(
            f"[{owner}] {model.name!r} was given a lambda (an activation, an initializer or the "
            "like), which a file cannot name: define a function, and give it to load_model() in "
            "custom_objects"
        )
    return {
        "class_name": owner,
        "config": config,
        "build": encode_shapes(model._engine.build_shape),
    }


def _names_a_lambda(config: Any) -> bool:
    if isinstance(config, Mapping):
        return any(_names_a_lambda(value) for value in config.values())
    if isinstance(config, (list, tuple)):
        return any(_names_a_lambda(value) for value in config)
    return isinstance(config, str) and config == "<lambda>"


def model_from(described: Mapping[str, Any]) -> Any:
    """Makes a model from :func:`architecture`, with weights that are still to be set.

    Args:
        described: the plain data.

    Raises:
        ValueError: for unknown classes, or data that describe no model.
    """
    if described["class_name"] == "Lambda":
        raise ValueError("a Lambda layer is never made from a file")
    model = layer_from_config(described)
    if not hasattr(model, "_engine"):
        raise ValueError(f"expected a model, got the layer {described['class_name']!r}")
    shape = decode_shapes(described["build"])
    if shape is not None and not model.built:
        model.build(shape)
    return model


def encode_shapes(shapes: Any) -> Any:
    """Shapes, or lists and dicts of them, so that JSON keeps them apart."""
    if shapes is None:
        return None
    if isinstance(shapes, Mapping):
        return {"dict": {key: encode_shapes(value) for key, value in shapes.items()}}
    if is_shape(shapes):
        return {"shape": list(shapes)}
    return {"list": [encode_shapes(part) for part in shapes]}


def decode_shapes(shapes: Any) -> Any:
    """The inverse of :func:`encode_shapes`."""
    if shapes is None:
        return None
    if "shape" in shapes:
        return tuple(shapes["shape"])
    if "list" in shapes:
        return [decode_shapes(part) for part in shapes["list"]]
    return {key: decode_shapes(value) for key, value in shapes["dict"].items()}


# --- compile()


def compilation(model: Trainable) -> dict[str, Any] | None:
    """The arguments of compile(), or None for a model that is not compiled.

    Args:
        model: the model.

    Raises:
        TypeError: for a loss or metric that has neither a name nor get_config().
    """
    settings = model._settings
    if settings is None:
        return None
    return {
        "optimizer": registry.serialize(model.optimizer),
        "loss": _encode(settings.loss, "loss"),
        "loss_weights": _encode(settings.loss_weights, "loss_weights"),
        "metrics": _encode(settings.metrics, "metrics"),
        "weighted_metrics": _encode(settings.weighted_metrics, "weighted_metrics"),
    }


def compile_from(model: Trainable, described: Mapping[str, Any]) -> None:
    """Compiles a model as :func:`compilation` says.

    Args:
        model: the model.
        described: the plain data.

    Raises:
        ValueError: for unknown names.
    """
    _check_counts(described)
    model.compile(
        optimizer=optimizers.get(described["optimizer"]),
        loss=_decode(described["loss"], losses.get),
        loss_weights=_decode(described["loss_weights"], losses.get),
        metrics=_decode(described["metrics"], metrics.get),
        weighted_metrics=_decode(described["weighted_metrics"], metrics.get),
    )


def _encode(given: Any, what: str) -> Any:
    if isinstance(given, Mapping):
        return {"dict": {str(key): _encode(value, what) for key, value in given.items()}}
    if isinstance(given, (list, tuple)):
        return [_encode(item, what) for item in given]
    if isinstance(given, np.number):
        return given.item()
    if inspect.isclass(given):
        given = given()
    if inspect.isfunction(given):
        if given.__name__ == "<lambda>":
            raise TypeError(f"[compile] {what}: a lambda has no name to be found by; define it")
        return {"class_name": "function", "config": given.__name__}
    return registry.serialize(given)


def _decode(given: Any, get: Callable[[Any], Any]) -> Any:
    if isinstance(given, list):
        return [_decode(item, get) for item in given]
    if not isinstance(given, Mapping):
        return given
    if set(given) == {"dict"}:
        return {key: _decode(value, get) for key, value in given["dict"].items()}
    return get(given)


def _check_counts(described: Any) -> None:
    """Refuses numbers that would only be there to fill the memory."""
    if isinstance(described, Mapping):
        for value in described.values():
            _check_counts(value)
    elif isinstance(described, list):
        for value in described:
            _check_counts(value)
    elif isinstance(described, int) and described > _COUNT_LIMIT:
        raise ValueError(f"expected counts of at most {_COUNT_LIMIT}, got {described}")


def to_json(content: Any) -> str:
    """Plain data as text; NumPy's scalars and arrays become numbers and lists.

    Raises:
        TypeError: for anything else, with its type.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return value.tolist()
        raise TypeError(
            f"expected plain data in a configuration (numbers, text, lists, dicts), got "
            f"{type(value).__name__}: {value!r}"
        )

    return json.dumps(content, default=plain, separators=(",", ":"))
