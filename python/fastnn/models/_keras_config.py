"""Keras's description of a model, translated into fastnn's."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from fastnn import _registry as registry
from fastnn import constraints, initializers, regularizers
from fastnn import layers as layer_package

_MODELS = ("Sequential", "Functional", "Model")
_MASK_OPERATIONS = ("NotEqual", "Any")
_LAYER_ARGUMENTS = {"name", "trainable", "dtype", "activity_regularizer", "batch_shape"}

# Arguments of Keras that fastnn's layers do not have, with the value that means what they do.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "autocast": (True,),
    "data_format": ("channels_last",),
    "use_cudnn": ("auto", True),
    "implementation": (1, 2),
    "renorm_momentum": (0.99,),
    "fused": (True,),
    "input_length": None,  # type: ignore[dict-item]
    "unroll": None,  # type: ignore[dict-item]
    "zero_output_for_mask": (True,),
    "time_major": (False,),
    "reset_after": (True,),
}


def translate_model(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A model as Keras describes it, as {"class_name", "config"} of fastnn.

    Args:
        entry: what config.json, or the attribute model_config, holds.

    Raises:
        ValueError: for what fastnn does not have, by name.
    """
    name, config = entry["class_name"], entry["config"]
    if name not in _MODELS or "layers" not in config:
        own = _own_class(str(name))
        if own is None:
            raise ValueError(
                f"expected a Sequential or functional model, got {name!r}: give the class of a "
                "subclassed model in custom_objects"
            )
        return {"class_name": name, "config": dict(config)}
    kept = {"name": config.get("name"), "trainable": config.get("trainable", True)}
    if name == "Sequential":
        layers = [translate_layer(layer) for layer in config["layers"]]
        return {"class_name": "Sequential", "config": {**kept, "layers": layers}}
    layers = []
    for entry in _without_masks(config["layers"]):
        nodes = [_node(node) for node in entry.get("inbound_nodes", [])]
        layers.append({**translate_layer(entry), "inbound_nodes": nodes})
    ends = {key: _ends(config[key]) for key in ("input_layers", "output_layers")}
    return {"class_name": "Functional", "config": {**kept, "layers": layers, **ends}}


def translate_layer(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A layer as Keras describes it, as {"class_name", "config"} of fastnn.

    Args:
        entry: with "class_name" and "config", and in Keras 3 "module".

    Raises:
        ValueError: for a layer, or an argument, that fastnn does not have.
    """
    name = str(entry["class_name"])
    if name in _MODELS:
        return translate_model(entry)
    if str(entry.get("module", "")).startswith("keras.src.ops"):
        raise ValueError(
            f"the operation {name!r} between layers cannot be imported: it is no layer"
        )
    if name == "Lambda":
        raise ValueError("a Lambda layer holds code, and code in a file is never run")
    config = dict(entry["config"])
    config.setdefault("name", entry.get("name"))
    own = _own_class(name)
    if own is not None:
        return {"class_name": name, "config": _plain(config)}
    cls = getattr(layer_package, name, None) if name in layer_package.__all__ else None
    if not isinstance(cls, type):
        hint = registry.did_you_mean(name, layer_package.__all__)
        raise ValueError(
            f"unknown layer {name!r}{hint}: classes of one's own are given in custom_objects"
        )
    return {"class_name": name, "config": _arguments(cls, _with_shape(config), name)}


def _own_class(name: str) -> Any:
    return registry.custom_objects_in_scope().get(name)


def _with_shape(config: dict[str, Any]) -> dict[str, Any]:
    """The shape of a first layer's input under its present name."""
    shape = config.pop("batch_input_shape", None)
    if shape is not None:
        config["batch_shape"] = shape
    return config


def _arguments(cls: type, config: dict[str, Any], owner: str) -> dict[str, Any]:
    """The arguments that a class has; what it has not must say nothing, or what it does anyway."""
    known = _parameters(cls) | (_LAYER_ARGUMENTS if hasattr(cls, "add_weight") else set())
    found = {}
    for key, value in config.items():
        if key == "axis" and isinstance(value, list) and len(value) == 1:
            value = value[0]
        if key in known:
            found[key] = _value(value)
        elif value in (None, False) or _is_neutral(key, value):
            continue
        else:
            raise ValueError(f"[{owner}] Keras's argument {key}={value!r} is not known to fastnn")
    return found


def _parameters(cls: type) -> set[str]:
    """The arguments of a class, and those that it hands on to its bases."""
    cell = getattr(cls, "_cell_class", None)
    found = _parameters(cell) if isinstance(cell, type) else set()
    for base in cls.__mro__[:-1]:
        if "__init__" not in base.__dict__:
            continue
        parameters = inspect.signature(base.__dict__["__init__"]).parameters
        found |= {name for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters.values()):
            break
    return found - {"self", "args"}


def _is_neutral(key: str, value: Any) -> bool:
    if key not in _NEUTRAL:
        return False
    allowed = _NEUTRAL[key]
    return allowed is None or value in allowed


def _value(value: Any) -> Any:
    """An argument's value; objects lose what only Keras needs."""
    if isinstance(value, list):
        return [_value(item) for item in value]
    if not isinstance(value, Mapping) or "class_name" not in value:
        return value
    name, config = str(value["class_name"]), value.get("config", {})
    if name.endswith("DTypePolicy"):
        return _dtype(config.get("name"))
    if name == "__tuple__":
        return _value(list(value["items"]))
    if name == "function" or not isinstance(config, Mapping):
        return {"class_name": "function", "config": config}
    if name in layer_package.__all__ or name in _MODELS:
        return translate_layer(value)
    for package in (initializers, regularizers, constraints):
        cls = getattr(package, name, None)
        if isinstance(cls, type):
            return {"class_name": name, "config": _arguments(cls, dict(config), name)}
    return {"class_name": name, "config": _plain(config)}


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(value) for key, value in config.items()}


def _dtype(name: Any) -> str:
    if name not in ("float32", "float64"):
        raise ValueError(f"expected float32 or float64, got the dtype policy {name!r}")
    return str(name)


# --- connections


def _without_masks(entries: list[Any]) -> list[Any]:
    """Layers without the operations that say again what Embedding and Masking mask.

    Keras writes the masks of a functional model out, step by step; here they travel with the
    tensors, as they did when the model was made.
    """
    computed = {e["name"] for e in entries if e["class_name"] in _MASK_OPERATIONS}
    if not computed:
        return entries
    kept = []
    for entry in entries:
        nodes = [_without_mask(node, computed) for node in entry.get("inbound_nodes", [])]
        kept.append({**entry, "inbound_nodes": nodes})
    used = _names_in([e["inbound_nodes"] for e in kept if e["name"] not in computed])
    return [e for e in kept if e["name"] not in computed or e["name"] in used]


def _without_mask(node: Any, computed: set[str]) -> Any:
    if not isinstance(node, Mapping):
        return node
    mask = node["kwargs"].get("mask")
    if mask is None or not _names_in(mask) <= computed:
        return node
    return {**node, "kwargs": {k: v for k, v in node["kwargs"].items() if k != "mask"}}


def _names_in(value: Any) -> set[str]:
    """The layers whose tensors appear somewhere in a structure."""
    if isinstance(value, list):
        return {name for item in value for name in _names_in(item)}
    if not isinstance(value, Mapping):
        return set()
    if value.get("class_name") == "__keras_tensor__":
        return {value["config"]["keras_history"][0]}
    return {name for item in value.values() for name in _names_in(item)}


def _node(node: Any) -> dict[str, Any]:
    """The arguments of a layer's call."""
    if isinstance(node, Mapping):  # Keras 3
        kwargs = {k: _tensors(v) for k, v in node["kwargs"].items() if v is not None}
        if kwargs.get("training") is False:  # which it is outside of fit() anyway
            del kwargs["training"]
        return {"args": [_tensors(arg) for arg in node["args"]], "kwargs": kwargs}
    tensors: list[Any] = [
        {"tensor": list(item[:3])} for item in node
    ]  # Keras 2: name, node, tensor, kwargs
    kwargs = {k: v for item in node for k, v in (item[3] if len(item) > 3 else {}).items()}
    kwargs = {key: value for key, value in kwargs.items() if value is not None}
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": kwargs}


def _tensors(value: Any) -> Any:
    if isinstance(value, list):
        return [_tensors(item) for item in value]
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            return {"tensor": list(value["config"]["keras_history"])}
        if "class_name" in value:
            return _value(value)
        return {key: _tensors(item) for key, item in value.items()}
    return value


def _ends(value: Any) -> Any:
    """Inputs or outputs of a model: [name, node, tensor], or lists and dicts of them."""
    if isinstance(value, Mapping):
        return {key: _ends(item) for key, item in value.items()}
    if len(value) == 3 and isinstance(value[0], str):
        return {"tensor": list(value)}
    return [_ends(item) for item in value]
