"""Autoencoders of any encoder and decoder: plain, denoising, sparse, convolutional, stacked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.callbacks import History
from fastnn.layers import Dense, Input
from fastnn.models import _checks
from fastnn.models._model import Model, layer_from_config
from fastnn.models._sequential import Sequential
from fastnn.models.autoencoders._layers import MaskingNoise, TiedDense


class Autoencoder(Model):
    """An encoder and a decoder, trained to give back their input.

    It is a model like any other; ``fit(x)`` takes x for the target too. Sparse codes come from an
    ``activity_regularizer`` at the encoder's last layer, tied weights from :class:`TiedDense`.

    Args:
        encoder: a built model from rows to codes.
        decoder: a built model from codes to rows of the same shape.
        corruption: disturbs rows in training (denoising: Vincent et al., 2008): a share of inputs
            to be set to 0, or a layer such as ``GaussianNoise(0.3)``.
        name: default "autoencoder".

    Raises:
        ValueError: where code or output have another shape than what takes them.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).random((100, 8))
        >>> auto = Autoencoder.dense([8, 3], activation="sigmoid")
        >>> auto.compile("adam", "mse")
        >>> history = auto.fit(x, epochs=2, verbose=0)
        >>> auto.encode(x).shape, auto.reconstruct(x).shape
        ((100, 3), (100, 8))
    """

    def __init__(
        self, encoder: Any, decoder: Any, corruption: Any = None, name: str = "autoencoder"
    ) -> None:
        for what, part in (("encoder", encoder), ("decoder", decoder)):
            if len(getattr(part, "inputs", None) or ()) != 1 or len(part.outputs) != 1:
                raise ValueError(
                    f"[{type(self).__name__}] expected a built {what} of one input and one output"
                )
        rows = encoder.inputs[0]
        x = Input(tuple(rows.shape[1:]), dtype=rows.dtype)
        if isinstance(corruption, (int, float)):
            corruption = MaskingNoise(corruption) if corruption else None
        code = encoder(x if corruption is None else corruption(x))
        outputs = decoder(self._between(code))
        if tuple(outputs.shape) != tuple(x.shape):
            raise ValueError(
                f"[{type(self).__name__}] expected a decoder that gives rows of shape {x.shape} "
                f"back, got {outputs.shape}"
            )
        super().__init__(x, outputs, name=name)
        self.encoder, self.decoder, self.corruption = encoder, decoder, corruption

    def _between(self, code: Any) -> Any:
        """What the decoder gets of the encoder's output."""
        return code

    @classmethod
    def dense(
        cls,
        units: list[int] | tuple[int, ...],
        activation: Any = "relu",
        code_activation: Any = "linear",
        output_activation: Any = "linear",
        tied: bool = False,
        corruption: Any = None,
        name: str = "autoencoder",
    ) -> Autoencoder:
        """Dense layers down to a code, and the same way back.

        Args:
            units: from the input's to the code's, for instance [784, 128, 32].
            activation: of the hidden layers.
            code_activation: of the code.
            output_activation: of the output.
            tied: whether the decoder uses the encoder's kernels, transposed.
            corruption: as for the class.
            name: default "autoencoder".

        Raises:
            ValueError: for less than two sizes.
        """
        if len(units) < 2:
            raise ValueError(f"[{cls.__name__}] expected at least two sizes, got {list(units)}")
        last = len(units) - 2
        down = [
            Dense(n, activation=code_activation if i == last else activation)
            for i, n in enumerate(units[1:])
        ]
        encoder = Sequential([Input((units[0],)), *down], name="encoder")
        up: list[Any] = []
        for i in range(last, -1, -1):
            shape = output_activation if i == 0 else activation
            up.append(TiedDense(down[i], shape) if tied else Dense(units[i], activation=shape))
        decoder = Sequential([Input((units[-1],)), *up], name="decoder")
        return cls(encoder, decoder, corruption=corruption, name=name)

    def get_config(self) -> dict[str, Any]:
        """Both parts and the corruption, as plain data."""
        corruption = None if self.corruption is None else _described(self.corruption)
        return {
            "encoder": _described(self.encoder),
            "decoder": _described(self.decoder),
            "corruption": corruption,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """An autoencoder of these parts, with new weights."""
        parts = dict(config)
        for part in ("encoder", "decoder", "corruption"):
            if parts[part] is not None:
                parts[part] = layer_from_config(parts[part], custom_objects)
        return cls(**parts)

    # --- training

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> History:
        """As :meth:`Model.fit`; x is the target where y is None, of ``validation_data`` too."""
        validation = kwargs.get("validation_data")
        if isinstance(validation, np.ndarray):
            kwargs["validation_data"] = (validation, validation)
        return super().fit(x, _target(x, y), *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As :meth:`Model.evaluate`; x is the target where y is None."""
        return super().evaluate(x, _target(x, y), *args, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As :meth:`Model.train_on_batch`; x is the target where y is None."""
        return super().train_on_batch(x, _target(x, y), *args, **kwargs)

    def pretrain(
        self,
        x: Any,
        epochs: int = 10,
        batch_size: int = 100,
        optimizer: str = "adam",
        loss: Any = "mse",
        verbose: str | int = "auto",
    ) -> list[History]:
        """Trains layer by layer: each pair of encoder's and decoder's Dense layers as a small
        autoencoder of the codes below (Bengio et al., 2007, "Greedy Layer-Wise Training of Deep
        Networks"; Vincent et al., 2010, with this one's corruption).

        Args:
            x: rows.
            epochs: of each pair.
            batch_size: rows a step; default 100.
            optimizer: its name; each pair has its own.
            loss: of each pair.
            verbose: as for :meth:`fit`.

        Returns:
            A History for each pair, from the outermost.

        Raises:
            ValueError: for parts that are not stacks of as many Dense layers.
        """
        pairs = self._pairs()
        codes = _checks.as_array(type(self).__name__, "x", x)
        histories = []
        for down, up in pairs:
            pair = Autoencoder(
                Sequential([Input((codes.shape[1],)), down]),
                Sequential([Input((down.units,)), up]),
                corruption=_again(self.corruption),
            )
            pair.compile(optimizer, loss)
            histories.append(pair.fit(codes, epochs=epochs, batch_size=batch_size, verbose=verbose))
            codes = pair.encode(codes)
        return histories

    def _pairs(self) -> list[tuple[Any, Any]]:
        kinds = (Dense, TiedDense)
        stacks = [
            [layer for layer in part.layers if isinstance(layer, kinds)]
            for part in (self.encoder, self.decoder)
        ]
        whole = all(
            isinstance(layer, kinds) or type(layer).__name__ == "InputLayer"
            for part in (self.encoder, self.decoder)
            for layer in part.layers
        )
        if not whole or len(stacks[0]) != len(stacks[1]):
            raise ValueError(
                f"[{type(self).__name__}] pretrain() is for stacks of as many Dense layers in the "
                "encoder as in the decoder"
            )
        return list(zip(stacks[0], reversed(stacks[1]), strict=True))

    # --- use

    def encode(self, x: Any, batch_size: int | None = None) -> NDArray[Any]:
        """The codes of rows."""
        return np.asarray(self.encoder.predict(x, batch_size=batch_size, verbose=0))

    def decode(self, codes: Any, batch_size: int | None = None) -> NDArray[Any]:
        """Rows, from codes."""
        return np.asarray(self.decoder.predict(codes, batch_size=batch_size, verbose=0))

    def reconstruct(self, x: Any, batch_size: int | None = None) -> NDArray[Any]:
        """What the decoder makes of the codes of rows."""
        return np.asarray(self.predict(x, batch_size=batch_size, verbose=0))

    def reconstruction_error(self, x: Any, batch_size: int | None = None) -> NDArray[Any]:
        """The mean squared error of each row: large for what the model has not seen before."""
        rows = _checks.as_array(type(self).__name__, "x", x)
        difference = rows - self.reconstruct(rows, batch_size)
        return np.asarray(np.square(difference).reshape(len(rows), -1).mean(axis=1))


def _target(x: Any, y: Any) -> Any:
    """x, unless there are targets or x brings its own."""
    if y is None and (isinstance(x, np.ndarray) or hasattr(x, "to_numpy")):
        return x
    return y


def _described(layer: Any) -> dict[str, Any]:
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def _again(corruption: Any) -> Any:
    """A layer of the same settings: one layer is in one place."""
    return None if corruption is None else type(corruption).from_config(corruption.get_config())
