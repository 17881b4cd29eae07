"""Variational autoencoders."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import graph, ops
from fastnn.models import _checks
from fastnn.models.autoencoders._autoencoder import Autoencoder
from fastnn.models.autoencoders._layers import Sampling


class VariationalAutoencoder(Autoencoder):
    """An autoencoder whose codes are drawn, and lie as standard normal numbers do.

    The cost is the loss of the reconstruction plus the Kullback-Leibler divergence of the codes;
    for the bound of Kingma and Welling (2014) the loss is summed over a row's values: a binary
    cross-entropy of 784 pixels is ``784 *`` the mean one, so that ``weight=1 / 784`` there.

    Args:
        encoder: a built model from rows to means and log-variances side by side.
        decoder: a built model from codes, half as wide, to rows.
        weight: of the divergence; default 1.
        corruption: as for :class:`Autoencoder`.
        name: default "variational_autoencoder".

    Raises:
        ValueError: where code or output have another shape than what takes them.

    Example:
        >>> import numpy as np
        >>> from fastnn import Sequential
        >>> from fastnn.layers import Dense, Input
        >>> encoder = Sequential([Input((8,)), Dense(4)])
        >>> decoder = Sequential([Input((2,)), Dense(8, "sigmoid")])
        >>> vae = VariationalAutoencoder(encoder, decoder, weight=1 / 8)
        >>> vae.compile("adam", "binary_crossentropy")
        >>> history = vae.fit(np.random.default_rng(0).random((40, 8)), verbose=0)
        >>> vae.encode(np.ones((3, 8))).shape, vae.sample(5).shape
        ((3, 2), (5, 8))
    """

    def __init__(
        self,
        encoder: Any,
        decoder: Any,
        weight: float = 1.0,
        corruption: Any = None,
        name: str = "variational_autoencoder",
    ) -> None:
        self._sampling = Sampling(weight)
        self._draws: dict[str, Any] = {}
        super().__init__(encoder, decoder, corruption=corruption, name=name)

    def _between(self, code: Any) -> Any:
        return self._sampling(code)

    def get_config(self) -> dict[str, Any]:
        """Both parts, the corruption and the divergence's weight, as plain data."""
        return {**super().get_config(), "weight": self._sampling.weight}

    def encode(self, x: Any, batch_size: int | None = None) -> NDArray[Any]:
        """The means of the codes of rows."""
        both = super().encode(x, batch_size)
        return both[..., : both.shape[-1] // 2]

    def sample(self, n: int = 1) -> NDArray[Any]:
        """Rows that the decoder makes of standard normal codes.

        Args:
            n: how many.
        """
        n = _checks.require_positive(type(self).__name__, "n", n)
        if "codes" not in self._draws:
            rows = graph.placeholder(("rows",), "float32")
            shape = (rows.dims[0], *self.decoder.inputs[0].shape[1:])
            self._draws["codes"] = graph.function([rows], ops.random_normal(shape))
        return self.decode(self._draws["codes"](np.zeros(n, np.float32)))
