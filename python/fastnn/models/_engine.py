"""From a model and its data to compiled programs, kept for each kind of data."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from fastnn import _core, _locks, graph
from fastnn.callbacks import CallbackList
from fastnn.layers import _history, _scope, _track
from fastnn.layers._arguments import map_shapes
from fastnn.layers._nest import flatten, map_structure, pack_like
from fastnn.models import _checks
from fastnn.models._clock import Clock
from fastnn.models._columns import (
    Columns,
    as_parts,
    class_weights,
    flatten_inputs,
    flatten_targets,
)
from fastnn.models._mapped import require_files
from fastnn.models._objective import Objective, Settings
from fastnn.models._programs import Signature, Step
from fastnn.models._single import KnownBatch, known_batch

if TYPE_CHECKING:
    from fastnn.models._state import Resume
    from fastnn.models._trainable import Trainable


# So many kinds of inputs are kept compiled: a model without declared inputs is compiled for each
# length of its sequences.
_KINDS = 128

_engines: WeakSet[Engine] = WeakSet()


def _after_fork() -> None:
    """What another thread of the parent was training is not in training in the child."""
    for engine in _engines:
        if engine._in_training.locked() and engine._thread != threading.get_ident():
            engine.forget()  # trainers that are in the middle of a pass
            engine.callbacks = None
            _locks.free([engine._in_training])


os.register_at_fork(after_in_child=_after_fork)


class Engine:
    """The compiled programs of a model, and its data brought into their form.

    Args:
        model: the model.
    """

    def __init__(self, model: Trainable) -> None:
        self._model = model
        # One lock for all that is traced: models are parts of each other.
        self._lock = _history.lock
        self._signatures: dict[Any, Signature] = {}
        self.fast: Any = None
        self._known: dict[bool, KnownBatch | None] = {}  # the last single batch, by training
        self._in_training = threading.Lock()
        self._thread = 0
        self.measuring = _locks.rlock()
        self._trained_at = -1
        self._trained_ids: tuple[int, ...] = ()
        self.guard = _core.Guard()
        self.build_shape: Any = None
        self.clock = Clock()
        # Where the file that the model was loaded from stands, and what the next fit goes on with.
        self.saved: Resume | None = None
        self.resume: Resume | None = None
        self.callbacks: CallbackList | None = None  # of the fit that runs
        _engines.add(self)

    # --- state

    def forget(self, structure: bool = False) -> None:
        """Drops compiled programs.

        Args:
            structure: also those for predictions.
        """
        with self._lock:
            self._known.clear()
            for signature in self._signatures.values():
                signature.steps.clear()
            if structure:
                self._signatures.clear()
                self.fast = None

    def refuse_in_training(self, what: str, elsewhere: bool = False) -> None:
        """Raises RuntimeError while fit runs.

        Args:
            what: the method that is refused.
            elsewhere: only while it runs in another thread.
        """
        here = self._thread == threading.get_ident()
        if self._in_training.locked() and not (elsewhere and here):
            raise RuntimeError(
                f"[{type(self._model).__name__}] {self._model.name!r} is in training: {what}() "
                "has to wait until fit() is over"
            )

    def training(self, what: str) -> threading.Lock:
        """The model is in training within ``with engine.training("fit"):``; another is refused.

        The flag is a lock because a ``with`` takes and frees it without a step in Python between,
        where Ctrl-C could strike and leave the model in training for ever.
        """
        with self._lock:
            self.refuse_in_training(what)
            self._thread = threading.get_ident()
        return self._in_training

    def apply_resume(self) -> None:
        """Sets the metrics of the epoch that a training goes on in, once they are there."""
        if self.resume is not None and self._model._objective is not None:
            self.resume.restore_metrics(self._model)
            self.resume = None

    def build(self, input_shape: Any) -> None:
        """Traces the model for inputs of these shapes, which makes its variables."""
        tensors = map_shapes(
            lambda shape: graph.placeholder(("batch", *shape[1:]), self._model._array_dtype),
            input_shape,
        )
        with _scope.tracing(training=False) as scope:
            self._model.built = True
            try:
                self._model._trace(scope, (tensors,), {})
                self.build_shape = input_shape
            except BaseException:
                self._model.built = False
                raise

    # --- data

    def columns(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        check_finite: bool = True,
        targets: bool = True,
    ) -> tuple[Signature, Columns]:
        """Data checked and in the order of the programs' inputs. Changes nothing.

        Args:
            x: as for fit.
            y: as for fit.
            sample_weight: as for fit.
            class_weight: as for fit.
            check_finite: look for NaN and infinity.
            targets: whether y belongs to the data; without, y must be None.

        Raises:
            ValueError: for data of a wrong shape, length or content, or in files that have become
                shorter.
            TypeError: for data that are no numbers.
        """
        owner = type(self._model).__name__
        template, arrays = self.inputs(x)
        labels = ["x"] if len(arrays) == 1 else [f"x[{i}]" for i in range(len(arrays))]
        named = list(zip(labels, arrays, strict=True))
        y, sample_weight = as_parts(owner, "y", y), as_parts(owner, "sample_weight", sample_weight)
        for label, part in (("y", y), ("sample_weight", sample_weight)):
            named += [(label, leaf) for leaf in flatten(part) if leaf is not None]
        _checks.require_rows(owner, named)
        self._require_here(owner, named)
        require_files(owner, [array for _, array in named])
        if check_finite:
            for label, array in named:
                if not Columns(None, [array], [], []).is_mapped:
                    _checks.require_finite(owner, label, array)
        signature = self.signature(template, arrays)
        for number, rows in signature.lookups:
            _checks.require_indices(*named[number], rows)
        if not targets:
            return signature, Columns(template, arrays, [], [])
        return signature, self._with_targets(signature, arrays, y, sample_weight, class_weight)

    def _require_here(self, owner: str, named: Sequence[tuple[str, Any]]) -> None:
        """Arrays on a GPU are read by models there."""
        if (self._model._device or _core.default_device()) != "cpu":
            return
        for label, array in named:
            if isinstance(array, _core.DeviceArray):
                raise TypeError(
                    f"[{owner}] {label}: expected an array in the processor's memory, got one on "
                    f"{array.device}: compile() the model with device={array.device!r}, or copy "
                    "the array first"
                )

    def _with_targets(
        self,
        signature: Signature,
        arrays: list[NDArray[Any]],
        y: Any,
        sample_weight: Any,
        class_weight: Any,
    ) -> Columns:
        owner = type(self._model).__name__
        names, template = signature.output_names, signature.output_template
        wanted = self._wanted(signature)
        given = flatten_targets(owner, "y", y, names, template, wanted)
        for name, part, want in zip(names, given or wanted, wanted, strict=True):
            if part is None and want:
                raise ValueError(f"[{owner}] y lacks the output {name!r}")
        objective = self.objective(signature, given)
        labels = ["y"] if len(given) == 1 else [f"y[{i}]" for i in range(len(given))]
        checked = [
            array
            if array is None
            else objective.check_target(number, label, array, signature.output_shapes[number])
            for number, (label, array) in enumerate(zip(labels, given, strict=True))
        ]
        if sample_weight is not None and len(names) > 1 and hasattr(sample_weight, "shape"):
            sample_weight = [sample_weight] * len(names)
        weights = flatten_targets(owner, "sample_weight", sample_weight, names, template, wanted)
        weights = weights or [None] * len(names)
        if class_weight is not None:
            weights = self._weighed(class_weight, checked, weights)
        columns = Columns(signature.template, arrays, checked, weights)
        named = [*zip(labels, checked, strict=True), *(("sample_weight", w) for w in weights)]
        for label, array in named:
            if array is not None:
                _checks.require_rows(owner, [("x", arrays[0]), (label, array)])
        self._model._objective = objective
        return columns

    def _weighed(
        self,
        class_weight: Any,
        targets: list[NDArray[Any] | None],
        weights: list[NDArray[Any] | None],
    ) -> list[NDArray[Any] | None]:
        owner = type(self._model).__name__
        if len(targets) != 1 or targets[0] is None:
            raise ValueError(
                f"[{owner}] class_weight is for models of one output, this one has "
                f"{len(weights)}: use sample_weight"
            )
        by_class = class_weights(owner, class_weight, targets[0])
        given = weights[0]
        return [by_class if given is None else by_class * np.asarray(given).reshape(-1)]

    def inputs(self, x: Any) -> tuple[Any, list[NDArray[Any]]]:
        """The arrays of x in the order of the model's inputs, with checked shapes."""
        model = self._model
        owner = type(model).__name__
        functional = model._graph
        if functional is None:
            return flatten_inputs(owner, x, None, None)
        template = map_structure(lambda _: None, functional.inputs)
        template, arrays = flatten_inputs(owner, x, functional.input_names, template)
        several = len(arrays) > 1
        checked = []
        for name, tensor, array in zip(
            functional.input_names, functional.input_tensors, arrays, strict=True
        ):
            what = f"input {name!r}" if several else "input"
            checked.append(_checks.require_shape(owner, what, array, tensor.shape[1:]))
        return template, checked

    # --- programs

    def signature(self, template: Any, arrays: Sequence[NDArray[Any]]) -> Signature:
        """The compiled programs for inputs of this kind; builds the model where needed."""
        model = self._model
        with self._lock:
            if not model.built and len(arrays) == 1 and hasattr(model, "_stack"):
                model.build((None, *arrays[0].shape[1:]))
            functional = model._graph
            if functional is not None:
                names = functional.input_names
                tails = [tuple(tensor.shape[1:]) for tensor in functional.input_tensors]
                dtypes = [tensor.dtype for tensor in functional.input_tensors]
                template = map_structure(lambda _: None, functional.inputs)
            else:
                names = ["x"] if len(arrays) == 1 else [f"x{i}" for i in range(len(arrays))]
                tails = [array.shape[1:] for array in arrays]
                dtypes = [_graph_dtype(array, model._array_dtype) for array in arrays]
            key = (repr(template), tuple(tails), tuple(dtypes))
            found = self._signatures.get(key)
            if found is None:
                found = Signature(model, template, names, tails, dtypes)
                model.built = True
                self._signatures[key] = found
                if len(self._signatures) > _KINDS:
                    del self._signatures[next(iter(self._signatures))]
            return found

    def _wanted(self, signature: Signature) -> list[bool]:
        """Which outputs need targets."""
        settings = self._settings()
        if signature.wanted is None or signature.wanted[0] is not settings:
            owner = type(self._model).__name__
            found = settings.wanted(owner, signature.output_names, signature.output_template)
            signature.wanted = settings, found
        return signature.wanted[1]

    def _settings(self) -> Settings:
        model = self._model
        if model._settings is None:
            raise RuntimeError(
                f"[{type(model).__name__}] {model.name!r} is not compiled: call compile() with an "
                "optimizer and a loss first"
            )
        return model._settings

    def objective(self, signature: Signature, targets: Sequence[NDArray[Any] | None]) -> Objective:
        """The model's losses and metrics for targets of this kind; made anew for another kind."""
        model = self._model
        shapes = [
            output if array is None else (None, *array.shape[1:])
            for array, output in zip(targets, signature.output_shapes, strict=False)
        ]
        known = model._objective
        if known is not None and known.suits(signature.output_names, shapes):
            return known
        return Objective(
            type(model).__name__,
            self._settings(),
            signature.output_names,
            signature.output_template,
            signature.output_shapes,
            shapes,
        )

    def _trained(self) -> tuple[int, ...]:
        """Which variables training changes; worked out again only when some layer has changed."""
        number = _track.version.number
        if self._trained_at != number:
            self._trained_ids = tuple(id(v) for v in self._model.trainable_weights)
            self._trained_at = number
        return self._trained_ids

    def step(self, signature: Signature, columns: Columns, training: bool) -> Step:
        """The compiled pass for data of this kind."""
        model = self._model
        objective = model._objective
        assert objective is not None
        key = (
            training,
            id(objective),
            tuple(None if array is None else array.shape[1:] for array in columns.y),
            tuple(None if array is None else array.shape[1:] for array in columns.weights),
            self._trained(),
            id(model.optimizer),
            getattr(model.optimizer, "revision", 0),
        )
        with self._lock:
            found = signature.steps.get(key)
            if found is None:
                found = signature.steps[key] = Step(model, signature, objective, columns, training)
            return found

    def batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        class_weight: Any,
        check_finite: bool,
        training: bool,
    ) -> tuple[Step, list[NDArray[Any]]]:
        """The pass for a single batch, and its arrays, checked as by :meth:`columns`."""
        model = self._model
        plain = sample_weight is None and class_weight is None
        known = self._known.get(training) if plain else None
        arrays = None if known is None else known.arrays(model, x, y, check_finite)
        if known is not None and arrays is not None:
            return known.step, arrays
        signature, columns = self.columns(x, y, sample_weight, class_weight, check_finite)
        step = self.step(signature, columns, training)
        if plain:
            self._known[training] = known_batch(model, signature, step, columns, x, y)
        return step, columns.arrays

    def remember_fast(self, signature: Signature) -> None:
        """Readies the way from one array to one array without a look at its dtype in Python."""
        plain = signature.template is None and signature.output_template is None
        if plain and not signature.lookups:
            self.fast = signature.predictor.fast

    def predict_batch(self, x: Any) -> Any:
        """Predictions for one batch, with all checks; the first call readies the fast way."""
        signature, columns = self.columns(x, targets=False)
        outputs = list(signature.predictor(columns.arrays))
        self.remember_fast(signature)
        return pack_like(signature.output_template, outputs)


def _graph_dtype(array: NDArray[Any], floating: str) -> str:
    """The dtype of a placeholder for data of a model without declared inputs."""
    if array.dtype.kind in "fb":
        return floating
    return "uint8" if array.dtype == np.uint8 else "int64"
