"""What a model does beyond a layer: compile, fit, evaluate, predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastnn import _devices, optimizers
from fastnn.callbacks import History
from fastnn.layers import RNN, Layer, _track
from fastnn.layers._legacy import checked_arguments, renamed_arguments
from fastnn.models import _engine, _fit, _predict
from fastnn.models._clock import Clock
from fastnn.models._objective import Objective, Settings

if TYPE_CHECKING:
    from fastnn.models import _graph
    from fastnn.models._plan import Plan
from fastnn.models._profile import Profile

_REPLACED = {
    "train_step": "give compile() a loss of your own (a function of y_true and y_pred), add terms "
    "with add_loss() inside call(), or write the loop with fastnn.function and its updates",
    "test_step": "give compile() metrics of your own, or write the loop with fastnn.function",
    "predict_step": "compute in call(), or write the loop with fastnn.function",
    "compute_loss": "give compile() a loss of your own, or use add_loss() inside call()",
    "compute_metrics": "give compile() metrics of your own",
    "make_train_function": "write the loop with fastnn.function and its updates",
}


_REMOVED = {
    "fit_generator": "fit(), which takes generators",
    "evaluate_generator": "evaluate(), which takes generators",
    "predict_generator": "predict(), which takes generators",
    "predict_proba": "predict()",
    "predict_classes": "(predict(x) > 0.5).astype(int) behind a sigmoid, predict(x).argmax(-1) "
    "behind a softmax",
}


class _Removed:
    """A method that there was once. Not by ``__getattr__``: it makes every attribute slower."""

    def __init__(self, name: str, instead: str) -> None:
        self._name, self._instead = name, instead

    def __get__(self, model: Any, owner: type) -> Any:
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self._name!r}, which newer versions of "
            f"Keras lack too: use {self._instead}"
        )


class Trainable(Layer):
    """A layer that can be trained and asked for predictions.

    Args:
        **kwargs: as for :class:`Layer`.
    """

    _graph: _graph.FunctionalGraph | None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stop_training = False
        self.optimizer: Any = None
        self.history: History | None = None
        # What was done to the data before they came here: plain data, kept in the model's file.
        self.preprocessing: Any = None
        self._settings: Settings | None = None
        self._device: str | None = None
        self._objective: Objective | None = None
        self._engine = _engine.Engine(self)

    def __getstate__(self) -> dict[str, Any]:
        """The layers, what compile() was given, and the optimizer's state; no compiled programs."""
        self._engine.refuse_in_training("pickle", elsewhere=True)
        left_out = ("_engine", "_objective", "history", "_device")  # that of another machine
        state = {k: v for k, v in super().__getstate__().items() if k not in left_out}
        return {**state, "_build_shape": self._engine.build_shape}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        build_shape = state.pop("_build_shape")
        super().__setstate__({**state, "_objective": None, "history": None, "_device": None})
        self._engine = _engine.Engine(self)
        self._engine.build_shape = build_shape

    @checked_arguments
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        device: str | None = None,
    ) -> None:
        """Says how the model is trained.

        Args:
            optimizer: a name or an object; default "rmsprop".
            loss: a name, an object or a function of (y_true, y_pred); a list or dict of them for
                several outputs; None where add_loss() gives the cost.
            loss_weights: factors of the outputs' losses, a list or dict; default 1 each.
            metrics: names, objects or functions; a list of lists or a dict for several outputs.
            weighted_metrics: the same, weighted by sample_weight and class_weight.
            run_eagerly: accepted and ignored.
            steps_per_execution: accepted and ignored: epochs run in C++ as a whole.
            jit_compile: accepted and ignored.
            auto_scale_loss: accepted and ignored.
            device: where the model trains and predicts, "cpu" or "cuda"; default: that of
                :func:`fastnn.set_device`.

        Raises:
            ValueError: for an unknown name.
            DeviceError: where the device, its driver or fastnn's module for it is missing.
            RuntimeError: while the model is in training.
            NotImplementedError: for a model that overrides train_step and its like.

        Example:
            >>> from fastnn import Sequential
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(1, activation="sigmoid", input_dim=2)])
            >>> model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
            >>> model.compiled
            True
        """
        self._refuse_replaced()
        self._engine.refuse_in_training("compile")
        settings = Settings(loss, loss_weights, metrics, weighted_metrics)
        settings.check()
        chosen = optimizers.get(optimizer)
        if device is not None:
            _devices.require(device)
        moved = device != self._device
        self._device = device
        self.optimizer = chosen
        self._settings = settings
        self._objective = None
        self._engine.clock = Clock()
        self._engine.saved = None
        self._engine.forget(structure=moved)

    def _refuse_replaced(self) -> None:
        for name, instead in _REPLACED.items():
            if hasattr(type(self), name):
                raise NotImplementedError(
                    f"[{type(self).__name__}] overrides {name}(), which fastnn does not call: "
                    f"training runs as a compiled program in C++. Instead, {instead}"
                )

    def reset_states(self) -> None:
        """Sets what stateful recurrent layers keep from batch to batch to 0.

        Example:
            >>> from fastnn import Input, Sequential
            >>> from fastnn.layers import LSTM
            >>> model = Sequential([Input(batch_shape=(1, 5, 2)), LSTM(3, stateful=True)])
            >>> model.reset_states()
        """
        for layer in _track.layers_within(self):
            if isinstance(layer, RNN):
                layer.reset_states()

    @property
    def compiled(self) -> bool:
        """Whether compile() was called."""
        return self._settings is not None

    @property
    def metrics_names(self) -> list[str]:
        """The names of what evaluate returns; known after the first fit or evaluate."""
        return ["loss"] if self._objective is None else list(self._objective.results())

    @property
    def metrics(self) -> list[Any]:
        """The metric objects; known after the first fit or evaluate."""
        return [] if self._objective is None else [item.metric for item in self._objective.tracked]

    def reset_metrics(self) -> None:
        """Starts the running means of loss and metrics again, as every pass and batch does."""
        if self._objective is not None:
            self._objective.reset()

    @renamed_arguments(nb_epoch="epochs")
    @checked_arguments
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int | str = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        check_finite: bool = True,
    ) -> History:
        """Trains.

        Args:
            x: an array, a list or dict of arrays, a frame, a memory map; or a generator, an
                iterable or a sequence of batches (x, y) or (x, y, sample_weight).
            y: targets; None where batches hold them, or where add_loss() gives the cost.
            batch_size: rows a step; default 32. Not for batches.
            epochs: the number of the last epoch; default 1.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch; "auto" is 1.
            callbacks: objects of subclasses of ``fastnn.callbacks.Callback``.
            validation_split: the share of rows, the last ones, that validate; default 0.
            validation_data: (x, y) or (x, y, sample_weight), or batches.
            shuffle: a new order of rows each epoch (of batches, for a sequence); default True.
            class_weight: class number to weight.
            sample_weight: a weight for each row.
            initial_epoch: where to begin counting; default 0. "saved": a model from
                :func:`fastnn.load_model` goes on where its file was written, in mid-epoch too,
                with the bits of a training that never stopped; a generator has to begin with the
                first batch of that epoch.
            steps_per_epoch: default: a whole pass. With fewer, the next epoch goes on where this
                one ended (a memory map begins again).
            validation_steps: default: a whole pass.
            validation_batch_size: default: batch_size.
            validation_freq: validate every so many epochs, or in the epochs of a list; default 1.
            check_finite: look for NaN and infinity first; default True.

        Returns:
            The History: ``.history`` maps names to lists of figures, one an epoch.

        Raises:
            RuntimeError: before compile(), or while the model is in training.
            ValueError: for data of a wrong shape, length or content.
            TypeError: for data that are no numbers.

        Example:
            >>> import numpy as np
            >>> from fastnn import Sequential
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(1, input_dim=2)])
            >>> model.compile("sgd", "mse")
            >>> x = np.array([[0.0, 1.0], [1.0, 0.0]])
            >>> history = model.fit(x, [1.0, -1.0], epochs=3, verbose=0)
            >>> len(history.history["loss"])
            3
        """
        return _fit.fit(
            self,
            x,
            y,
            _fit.FitOptions(
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_split=validation_split,
                validation_data=validation_data,
                shuffle=bool(shuffle),
                class_weight=class_weight,
                sample_weight=sample_weight,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_batch_size=validation_batch_size,
                validation_freq=validation_freq,
                check_finite=check_finite,
            ),
        )

    def _save_backup(self, path: Any) -> None:
        """Writes what a killed training needs to go on; for BackupAndRestore."""
        from fastnn.models import _files

        callbacks = self._engine.callbacks
        state = {} if callbacks is None else callbacks.get_state()
        _files.save_backup(self, path, {"stop": self.stop_training, "each": state})

    def _load_backup(self, path: Any) -> None:
        """Goes on with a training that was killed; for BackupAndRestore."""
        from fastnn.models import _files

        state = _files.load_backup(self, path)
        self.stop_training = bool(state["stop"])
        if self._engine.callbacks is not None:
            self._engine.callbacks.pending = state["each"]

    @checked_arguments
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        check_finite: bool = True,
    ) -> Any:
        """Loss and metrics on data.

        Args:
            x: as for :meth:`fit`.
            y: as for :meth:`fit`.
            batch_size: rows at a time; default 32.
            verbose: as for :meth:`fit`.
            sample_weight: as for :meth:`fit`.
            steps: how many batches; default: a whole pass.
            callbacks: as for :meth:`fit`.
            return_dict: a dict by name rather than a list; default False.
            check_finite: as for :meth:`fit`.

        Returns:
            The loss, or [loss, metrics...] where there are metrics.

        Raises:
            RuntimeError: before compile().
            ValueError: for data of a wrong shape, length or content.
            TypeError: for data that are no numbers.

        Example:
            >>> import numpy as np
            >>> from fastnn import Sequential
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(1, kernel_initializer="ones", input_dim=2)])
            >>> model.compile("sgd", "mse")
            >>> model.evaluate(np.array([[1.0, 2.0]]), np.array([5.0]), verbose=0)
            4.0
        """
        logs = _fit.evaluate(
            self, x, y, sample_weight, batch_size, steps, verbose, callbacks, check_finite
        )
        return logs if return_dict else _in_order(logs)

    @checked_arguments
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        check_finite: bool = True,
    ) -> Any:
        """Predictions for rows.

        Args:
            x: as for :meth:`fit`.
            batch_size: rows at a time; default 32. The predictions do not depend on it.
            verbose: as for :meth:`fit`.
            steps: how many batches; default: all.
            callbacks: as for :meth:`fit`.
            check_finite: as for :meth:`fit`.

        Returns:
            An array with a row for each row of x; a list or dict of arrays for several outputs.
            For x on a GPU, where the model is too, what it returns stays there
            (:class:`fastnn.DeviceArray`).

        Raises:
            ValueError: for data of a wrong shape, or NaN or infinity.
            TypeError: for data that are no numbers.

        Example:
            >>> import numpy as np
            >>> from fastnn import Sequential
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(1, kernel_initializer="ones", input_dim=2)])
            >>> model.predict(np.array([[1.0, 2.0]]), verbose=0)
            array([[3.]], dtype=float32)
        """
        if verbose == 0 and callbacks is None and steps is None and check_finite:
            outputs = _predict.predict_at_once(self, x, batch_size)
            if outputs is not None:
                return outputs
        return _predict.predict(self, x, batch_size, steps, verbose, callbacks, check_finite)

    @checked_arguments
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
        check_finite: bool = True,
    ) -> Any:
        """One training step.

        Args:
            x: the batch.
            y: its targets.
            sample_weight: a weight for each row.
            class_weight: class number to weight.
            return_dict: a dict by name; default False.
            check_finite: as for :meth:`fit`.

        Returns:
            As :meth:`evaluate`: the figures of this batch alone.

        Raises:
            RuntimeError: before compile(), or while the model is in training.
            ValueError: for data of a wrong shape or content.
            TypeError: for data that are no numbers.

        Example:
            >>> import numpy as np
            >>> from fastnn import Sequential
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(1, kernel_initializer="ones", input_dim=2)])
            >>> model.compile("sgd", "mse")
            >>> model.train_on_batch(np.array([[1.0, 2.0]]), np.array([5.0]))
            4.0
        """
        logs = _fit.train_on_batch(self, x, y, sample_weight, class_weight, check_finite)
        return logs if return_dict else _in_order(logs)

    def profile(
        self, x: Any, y: Any = None, batch_size: int | None = None, sample_weight: Any = None
    ) -> Profile:
        """Times the parts of a training step against what this machine can do; trains nothing.

        Args:
            x: rows to run on, as for :meth:`fit`.
            y: their targets.
            batch_size: of a step; default 32.
            sample_weight: a weight for each row.

        Returns:
            A :class:`Profile`: print it for a table, ``.plot()`` it for a roofline.

        Raises:
            RuntimeError: before compile(), or while the model is in training.
            ValueError: for data of a wrong shape or content.
            TypeError: for data that are no numbers.

        Example:
            >>> import numpy as np
            >>> from fastnn import Sequential
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(1, input_dim=2)])
            >>> model.compile("sgd", "mse")
            >>> result = model.profile(np.ones((64, 2)), np.ones(64))
            >>> result.batch_size, result.kernels[0].kernel
            (32, 'matmul NN+bias+subtract')
        """
        return _fit.profile(self, x, y, batch_size, sample_weight)

    def plan(
        self, x: Any, y: Any = None, batch_size: int | None = None, sample_weight: Any = None
    ) -> Plan:
        """What a training step will run, and the memory that it takes; runs nothing.

        Args:
            x: rows like those to train on, as for :meth:`fit`.
            y: their targets.
            batch_size: of a step; default 32.
            sample_weight: a weight for each row.

        Returns:
            A :class:`Plan`: print it for the kernels and a table of memory.

        Raises:
            RuntimeError: before compile(), or while the model is in training.
            ValueError: for data of a wrong shape or content.
            TypeError: for data that are no numbers.

        Example:
            >>> import numpy as np
            >>> from fastnn import Sequential
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(1000, input_dim=1000)])
            >>> model.compile("adam", "mse")
            >>> plan = model.plan(np.ones((64, 1000)), np.ones((64, 1000)))
            >>> round(plan.memory["variables"] / 1e6)  # weights, and two moments of each
            12
        """
        return _fit.plan(self, x, y, batch_size, sample_weight)

    @checked_arguments
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        check_finite: bool = True,
    ) -> Any:
        """Loss and metrics of one batch.

        Args:
            x: the batch.
            y: its targets.
            sample_weight: a weight for each row.
            return_dict: a dict by name; default False.
            check_finite: as for :meth:`fit`.

        Returns:
            As :meth:`train_on_batch`.

        Raises:
            RuntimeError: before compile().
            ValueError: for data of a wrong shape or content.
            TypeError: for data that are no numbers.

        Example:
            >>> import numpy as np
            >>> from fastnn import Sequential
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(1, kernel_initializer="ones", input_dim=2)])
            >>> model.compile("sgd", "mse")
            >>> model.test_on_batch(np.array([[1.0, 2.0]]), np.array([5.0]), return_dict=True)
            {'loss': 4.0}
        """
        logs = _fit.test_on_batch(self, x, y, sample_weight, check_finite)
        return logs if return_dict else _in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """Predictions for one batch, the fast way: no checks but of dtype, shape and finiteness.

        Args:
            x: the batch.

        Returns:
            As :meth:`predict`.

        Raises:
            ValueError: for data of a wrong shape, or NaN or infinity.
            TypeError: for data that are no numbers.

        Example:
            >>> import numpy as np
            >>> from fastnn import Sequential
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(1, kernel_initializer="ones", input_dim=2)])
            >>> model.predict_on_batch(np.array([[1.0, 2.0]], "float32"))
            array([[3.]], dtype=float32)
        """
        fast = self._engine.fast
        if fast is not None:
            outputs = fast(x)
            if outputs is not None:
                return outputs
        return self._engine.predict_batch(x)


for _name, _instead in _REMOVED.items():
    setattr(Trainable, _name, _Removed(_name, _instead))


def _in_order(logs: dict[str, Any]) -> Any:
    """The loss alone, or a list that begins with it."""
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
