"""The base class of callbacks, and the list that fit, evaluate and predict call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from fastnn.models import Model

Logs: TypeAlias = "dict[str, Any] | None"


class Callback:
    """Code of one's own at the seams of training, evaluation and prediction.

    Override the hooks that are needed. The hooks of batches cost a return from C++ to Python a
    step, and only where a callback overrides one.

    Attributes:
        model: the model, set before the first hook.
        params: "epochs", "steps" and "verbose".

    Example:
        >>> class Tell(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, sorted(logs))
        >>> Tell().on_epoch_end(0, {"loss": 1.0})
        0 ['loss']
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._model: Any = None

    @property
    def model(self) -> Model:
        """The model that this callback is used with."""
        return self._model  # type: ignore[no-any-return]

    def set_params(self, params: dict[str, Any]) -> None:
        """Receives "epochs", "steps" and "verbose"."""
        self.params = params

    def set_model(self, model: Model) -> None:
        """Receives the model."""
        self._model = model

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """The older name of :meth:`on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """The older name of :meth:`on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before an epoch; epochs count from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch; ``logs`` has its loss and metrics, "val_..." included."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a training step."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a training step; ``logs`` has the means since the epoch began."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of evaluate, or of validation."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of evaluate, or of validation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of predict."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of predict; ``logs`` has its "outputs"."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs = None) -> None:
        """After the last epoch; ``logs`` are those of its end."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Before evaluate, or validation."""

    def on_test_end(self, logs: Logs = None) -> None:
        """After evaluate, or validation."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Before predict."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """After predict."""

    def get_state(self) -> dict[str, Any] | None:
        """What a training that was killed needs to go on: plain data and arrays, or None."""
        return None

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes what :meth:`get_state` gave, after ``on_train_begin``."""

    def _on_epoch_done(self, epoch: int, logs: dict[str, Any]) -> None:
        """After ``on_epoch_end`` of all callbacks."""

    def _on_progress(self, batch: int, logs: dict[str, Any]) -> None:
        """Between batches, at least about every 50 ms: for progress bars."""


_BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


def _overrides(callback: Any, hook: str) -> bool:
    """Whether a callback does anything at a hook."""
    method = getattr(callback, hook, None)
    if method is None:
        return False
    return getattr(method, "__func__", method) is not getattr(Callback, hook)


class CallbackList:
    """Several callbacks, called as one.

    Args:
        callbacks: a callback, a list of them, a CallbackList, or none.
        model: the model they are told of.
        params: what ``set_params`` is given.

    Raises:
        TypeError: for something that has no hooks.

    Example:
        >>> CallbackList([Callback()]).needs_batches("train")
        False
    """

    def __init__(
        self,
        callbacks: Any = None,
        model: Any = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        self.callbacks = _as_list(callbacks)
        self.params = {} if params is None else params
        if params is not None:
            for callback in self.callbacks:
                callback.set_params(params)
        if model is not None:
            for callback in self.callbacks:
                callback.set_model(model)
        self.pending: list[Any] = []  # states, to be set when training has begun
        self._at_batches = [c for c in self.callbacks if getattr(c, "_saves_at_batches", False)]
        self._progress = [c for c in self.callbacks if _overrides(c, "_on_progress")]
        self._by_phase = {
            phase: [c for c in self.callbacks if any(_overrides(c, hook) for hook in hooks)]
            for phase, hooks in _BATCH_HOOKS.items()
        }

    def __iter__(self) -> Any:
        return iter(self.callbacks)

    def needs_batches(self, phase: str) -> bool:
        """Whether a callback overrides a hook of batches.

        Args:
            phase: "train", "test" or "predict".
        """
        return bool(self._by_phase[phase]) or (phase == "train" and bool(self._at_batches))

    def batch_begin(self, phase: str, batch: int) -> None:
        """Calls ``on_<phase>_batch_begin`` where it is overridden."""
        for callback in self._by_phase[phase]:
            getattr(callback, f"on_{phase}_batch_begin")(batch, {})

    def batch_end(self, phase: str, batch: int, logs: dict[str, Any]) -> None:
        """Calls ``on_<phase>_batch_end`` where it is overridden."""
        for callback in self._by_phase[phase]:
            getattr(callback, f"on_{phase}_batch_end")(batch, logs)
        if phase == "train":
            for callback in self._at_batches:
                callback._on_batch_done(batch, logs)

    def progress(self, batch: int, logs: dict[str, Any]) -> None:
        """Tells progress bars how far the epoch is."""
        for callback in self._progress:
            callback._on_progress(batch, logs)

    @property
    def shows_progress(self) -> bool:
        """Whether anything wants :meth:`progress`."""
        return bool(self._progress)

    def epoch_begin(self, epoch: int) -> None:
        """Calls ``on_epoch_begin``."""
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, {})

    def epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Calls ``on_epoch_end``; a callback may add to the logs that the next ones see."""
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)
        for callback in self.callbacks:
            if _overrides(callback, "_on_epoch_done"):
                callback._on_epoch_done(epoch, logs)

    def begin(self, phase: str) -> None:
        """Calls ``on_<phase>_begin``."""
        for callback in self.callbacks:
            getattr(callback, f"on_{phase}_begin")({})
        pending, self.pending = self.pending, []
        if pending:
            self._set_state(pending)

    def end(self, phase: str, logs: dict[str, Any] | None = None) -> None:
        """Calls ``on_<phase>_end``."""
        for callback in self.callbacks:
            getattr(callback, f"on_{phase}_end")(logs or {})

    def get_state(self) -> list[dict[str, Any]]:
        """The states of the callbacks that have one, with the names of their classes."""
        found = [(type(c).__name__, getattr(c, "get_state", lambda: None)()) for c in self]
        return [{"class_name": n, "state": s} for n, s in found if s is not None]

    def _set_state(self, states: Iterable[Any]) -> None:
        """Gives each callback the state of the one of its class, in order."""
        left = list(states)
        for callback in self.callbacks:
            name = type(callback).__name__
            for state in left:
                if state["class_name"] == name:
                    callback.set_state(state["state"])
                    left.remove(state)
                    break


def _as_list(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    if isinstance(callbacks, CallbackList):
        return list(callbacks.callbacks)
    items: Iterable[Any] = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    found = []
    for item in items:
        if isinstance(item, CallbackList):
            found.extend(item.callbacks)
        elif isinstance(item, type) or not hasattr(item, "on_epoch_end"):
            raise TypeError(
                f"expected an object of a subclass of fastnn.callbacks.Callback, got {item!r}"
            )
        else:
            found.append(item)
    return found
