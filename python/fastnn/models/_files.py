"""Models in files: architecture, weights, optimizer and the place in the training, in one."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn import _registry as registry
from fastnn._core import __version__
from fastnn._tensor import Variable
from fastnn.callbacks._checkpoints import not_written
from fastnn.io import FastnnFormatError, TensorFile
from fastnn.io._header import DIGEST, strict_json
from fastnn.io._tensors import write_tensors
from fastnn.layers import _scope
from fastnn.layers._base import Layer
from fastnn.layers._nest import map_structure
from fastnn.models import _describe, _keras_files, _state

if TYPE_CHECKING:
    from fastnn.models._trainable import Trainable

SUFFIXES = (".fastnn", ".safetensors")
# Imported when a file holds one.
_MACHINES = registry.Registry(
    "machine",
    aliases={
        "DBM": "fastnn.models.boltzmann",
        "DBN": "fastnn.models.boltzmann",
        "GAN": "fastnn.models.adversarial",
        "RBM": "fastnn.models.boltzmann",
        "RNTN": "fastnn.models.trees",
    },
)
_KEY = "fastnn"
_VERSION = 1


def save_model(
    model: Trainable,
    path: str | os.PathLike[str],
    overwrite: bool = True,
    include_optimizer: bool = True,
) -> None:
    """See :meth:`Model.save`."""
    _check_target(model, path, overwrite, "save")
    tensors = _state.Tensors()
    described = {
        "kind": "model",
        "model": _describe.architecture(model),
        "weights": tensors.add_weights(model),
        "compile": _describe.compilation(model) if include_optimizer else None,
        "optimizer": _state.collect_optimizer(model, tensors) if include_optimizer else None,
        "training": _state.collect_training(model, tensors),
        "preprocessing": model.preprocessing,
    }
    _write(path, tensors, described)


def save_weights(model: Trainable, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """See :meth:`Model.save_weights`."""
    _check_target(model, path, overwrite, "save_weights")
    if not model.built and not model.weights:
        raise ValueError(model._unbuilt())
    tensors = _state.Tensors()
    names = tensors.add_weights(model)
    _write(path, tensors, {"kind": "weights", "weights": names})


def save_backup(model: Trainable, path: str | os.PathLike[str], callbacks: Any) -> None:
    """Writes all that a killed training needs to go on, but not the architecture.

    Args:
        model: the model, in training.
        path: the file.
        callbacks: the state of the callbacks: plain data with arrays in it.
    """
    tensors = _state.Tensors()
    described = {
        "kind": "backup",
        "build": _describe.encode_shapes(_built_for(model)),
        "weights": tensors.add_weights(model),
        "optimizer": _state.collect_optimizer(model, tensors),
        "training": _state.collect_training(model, tensors),
        "callbacks": _with_names(callbacks, tensors),
    }
    _write(path, tensors, described)


def _built_for(model: Trainable) -> Any:
    """The shapes of the inputs, as ``build()`` takes them."""
    if model._graph is None:
        return model._engine.build_shape
    return map_structure(lambda tensor: tuple(tensor.shape), model._graph.inputs)


def load_backup(model: Trainable, path: str | os.PathLike[str]) -> Any:
    """Puts a model where :func:`save_backup` was; returns the state of the callbacks.

    Args:
        model: the model, in training.
        path: the file.

    Raises:
        FastnnFormatError: for a file that is damaged or no backup.
        ValueError: for a backup of another model.
    """
    with TensorFile(path) as file:
        described = _described(file, "backup")
        if not model.built:  # its data come as batches, and none was looked at yet
            model.build(_describe.decode_shapes(described.get("build")))
        with _format_errors(file, "no backup can be read from it"):
            _state.set_all(model.weights, described["weights"], file, type(model).__name__)
            _state.restore_optimizer(model, described["optimizer"], file)
            model._engine.resume = _state.resume_from(model, described["training"], file)
            return _with_arrays(described["callbacks"], file)


def _with_names(content: Any, tensors: _state.Tensors) -> Any:
    """Plain data in which names stand for arrays."""
    if isinstance(content, Mapping):
        return {key: _with_names(value, tensors) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_with_names(value, tensors) for value in content]
    if hasattr(content, "dtype") and hasattr(content, "shape") and content.shape:
        return {"tensor": tensors.add("callbacks/array", _state.array_source(content))}
    return content


def _with_arrays(content: Any, file: TensorFile) -> Any:
    if isinstance(content, dict):
        if set(content) == {"tensor"}:
            return file.read(content["tensor"])
        return {key: _with_arrays(value, file) for key, value in content.items()}
    if isinstance(content, list):
        return [_with_arrays(value, file) for value in content]
    return content


def _check_target(
    model: Trainable, path: str | os.PathLike[str], overwrite: bool, what: str
) -> None:
    model._engine.refuse_in_training(what, elsewhere=True)
    _check_path(type(model).__name__, path, overwrite, what)


def _check_path(owner: str, path: str | os.PathLike[str], overwrite: bool, what: str) -> None:
    if Path(path).suffix not in SUFFIXES:
        raise ValueError(
            f"[{owner}] {what}() writes files that end in .fastnn or .safetensors, got "
            f"{os.fspath(path)!r}{not_written(path)}"
        )
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(f"[{owner}] {os.fspath(path)!r} exists, and overwrite is False")


def _write(
    path: str | os.PathLike[str], tensors: _state.Tensors, described: dict[str, Any]
) -> None:
    content = {"version": _VERSION, "fastnn": __version__, **described}
    metadata = {"format": "fastnn", _KEY: _describe.to_json(content)}
    write_tensors(path, tensors.sources, metadata)


def _described(file: TensorFile, *kinds: str) -> dict[str, Any]:
    """What a file says of itself.

    Raises:
        FastnnFormatError: for another kind of file, or another version.
    """
    text = file.metadata.get(_KEY)
    if text is None or DIGEST not in file.metadata:
        raise FastnnFormatError(f"{file.path}: expected a {kinds[0]} of fastnn, it has none in it")
    described = strict_json(text, f"{file.path}: the description")
    if described.get("version") != _VERSION:
        raise FastnnFormatError(
            f"{file.path}: expected version {_VERSION} of the format, got "
            f"{described.get('version')!r}: a later fastnn wrote it"
        )
    if described.get("kind") not in kinds:
        raise FastnnFormatError(
            f"{file.path}: expected a {' or '.join(kinds)}, the file holds a "
            f"{described.get('kind')}"
        )
    return described


def save_machine(model: Any, path: str | os.PathLike[str], overwrite: bool) -> None:
    """See :meth:`Kept.save`."""
    _check_path(type(model).__name__, path, overwrite, "save")
    tensors = _state.Tensors()
    content = model._content(tensors)
    described = {"kind": "machine", "class_name": type(model).__name__, "content": content}
    _write(path, tensors, described)


def load_model(
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
) -> Any:
    """Reads a model that :meth:`Model.save` has written, or a machine (RBM, GAN, ...) that its
    ``save()`` has.

    Layers, losses and the like are made from fastnn's own and from ``custom_objects``; nothing in
    a file is imported, evaluated or unpickled.

    Args:
        path: the file, .fastnn or .safetensors; or one that Keras has written, .keras or .h5,
            of which architecture and weights are read (with h5py, ``pip install
            'fastnn[formats]'``).
        custom_objects: classes and functions of one's own that the model uses, by name.
        compile: also compile it and set the optimizer's state; default True.

    Returns:
        The model. ``fit(..., initial_epoch="saved")`` goes on where it was saved, in mid-epoch
        too, with the same bits as if it had never stopped.

    Raises:
        FastnnFormatError: for a file that is damaged, cut off, or no model; or that names a class
            which neither fastnn nor custom_objects has.
        OSError: where it cannot be read.

    Example:
        >>> import pathlib, tempfile
        >>> from fastnn import Sequential
        >>> from fastnn.layers import Dense
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.fastnn"
        >>> Sequential([Dense(1, input_dim=2)]).save(path)
        >>> load_model(path).count_params()
        3
    """
    if os.fspath(path).endswith(_keras_files.SUFFIXES):
        return _keras_files.load_keras(path, custom_objects)
    with TensorFile(path) as file:
        described = _described(file, "model", "machine")
        errors = _format_errors(file, "no model can be made of it", ValueError, MemoryError)
        with registry.custom_object_scope(custom_objects), errors:
            if described["kind"] == "machine":
                return _load_machine(file, described)
            return _load(file, described, compile)


# What a description that is not fastnn's can make Python raise.
_MISREAD = (
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
)


@contextmanager
def _format_errors(file: TensorFile, what: str, *more: type[Exception]) -> Iterator[None]:
    """What goes wrong with a file's own content becomes a FastnnFormatError."""
    caught: tuple[type[Exception], ...] = (*_MISREAD, *more)
    try:
        yield
    except FastnnFormatError:
        raise
    except caught as error:
        raise FastnnFormatError(f"{file.path}: {what}: {type(error).__name__}: {error}") from error


def _load(file: TensorFile, described: Mapping[str, Any], compiled: bool) -> Any:
    size = sum(file.nbytes(name) for name in described["weights"])
    with _scope.weights_from_file(size):
        model = _describe.model_from(described["model"])
    _state.set_all(model.weights, described["weights"], file, type(model).__name__)
    model.preprocessing = described["preprocessing"]
    if compiled and described["compile"] is not None:
        _describe.compile_from(model, described["compile"])
        _state.restore_optimizer(model, described["optimizer"], file)
        resume = _state.resume_from(model, described["training"], file)
        model._engine.clock = resume.clock
        model._engine.saved = resume
    return model


def _load_machine(file: TensorFile, described: Mapping[str, Any]) -> Any:
    found = _MACHINES.find(described["class_name"])
    cls = (
        getattr(import_module(found), described["class_name"]) if isinstance(found, str) else found
    )
    with _scope.weights_from_file(sum(file.nbytes(name) for name in file.entries)):
        return cls._made_from(described["content"], file)


def load_weights(
    model: Trainable,
    path: str | os.PathLike[str],
    by_name: bool = False,
    skip_mismatch: bool = False,
) -> None:
    """See :meth:`Model.load_weights`."""
    owner = type(model).__name__
    model._engine.refuse_in_training("load_weights", elsewhere=True)
    if not model.built and not model.weights:
        raise ValueError(model._unbuilt())
    if os.fspath(path).endswith(_keras_files.SUFFIXES):
        _keras_files.load_keras_weights(model, path, skip_mismatch)
        return
    with TensorFile(path) as file:
        own = _KEY in file.metadata
        with _format_errors(file, "no weights can be read from it"):
            listed = _described(file, "weights", "model", "backup")["weights"] if own else None
            if listed is None or by_name:
                pairs = _by_name(model, file, listed)
            else:
                pairs = _in_order(model, listed, skip_mismatch)
            chosen = _fitting(owner, pairs, file, skip_mismatch)
            for variable, name in chosen:
                _state.set_from(variable, name, file)


def _in_order(model: Layer, listed: list[str], skip: bool) -> list[tuple[Variable, str]]:
    if len(listed) != len(model.weights) and not skip:
        raise ValueError(
            f"[{type(model).__name__}] expected {len(model.weights)} arrays of weights in the "
            f"file, got {len(listed)}: by_name=True loads those of the same name"
        )
    return list(zip(model.weights, listed, strict=False))


def _by_name(
    model: Layer, file: TensorFile, listed: list[str] | None
) -> list[tuple[Variable, str]]:
    """The weights that the file has under their names; without fastnn's list it must have all."""
    known = set(file.entries if listed is None else listed)
    names = _state.weight_names(model)
    missing = [name for name in names if name not in known]
    if missing and (listed is None or len(missing) == len(names)):
        hint = registry.did_you_mean(missing[0], known)
        raise ValueError(f"[{type(model).__name__}] the file has no tensor {missing[0]!r}{hint}")
    return [(v, n) for v, n in zip(model.weights, names, strict=True) if n in known]


def _fitting(
    owner: str, pairs: list[tuple[Variable, str]], file: TensorFile, skip: bool
) -> list[tuple[Variable, str]]:
    """The pairs whose shapes are equal; others are an error, or skipped with a warning."""
    chosen = []
    for variable, name in pairs:
        if name not in file.entries:
            raise FastnnFormatError(f"{file.path}: the tensor {name!r} is not there")
        shape = file.entries[name].shape
        if shape == tuple(variable.shape):
            chosen.append((variable, name))
            continue
        message = f"[{owner}] {name}: expected shape {tuple(variable.shape)}, the file has {shape}"
        if not skip:
            raise ValueError(f"{message}: skip_mismatch=True leaves such weights as they are")
        warnings.warn(f"{message}: left as it is", UserWarning, stacklevel=4)
    return chosen
