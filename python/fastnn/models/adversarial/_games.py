"""What the two sides of an adversarial game lose, from the discriminator's scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn import graph, ops
from fastnn._tensor import Tensor

Score = Callable[[Tensor], Tensor]


def _scores(outputs: Tensor, owner: str) -> Any:
    """Scores without bounds: those before a final sigmoid."""
    found = ops.logits_of(outputs)
    if found is None:
        return outputs
    kind, logits = found
    if kind == "softmax":
        raise ValueError(f"[{owner}] expected a discriminator of one score a row, got a softmax")
    return logits


class NonSaturating:
    """The generator maximises log D(G(z)), which has a gradient where it loses (Goodfellow et al.,
    2014, "Generative Adversarial Nets", section 3).

    Args:
        label_smoothing: the target of real rows is 1 minus this (Salimans et al., 2016).
    """

    name = "non_saturating"
    critics = 1
    wants_scores = False

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self._real = 1.0 - label_smoothing

    def discriminator(self, real: Tensor, fake: Tensor) -> Any:
        """-log D(x) - log(1 - D(G(z))), from scores."""
        cost = ops.sigmoid_cross_entropy(real, ops.zeros_like(real) + self._real)
        return ops.mean(cost) + ops.mean(ops.sigmoid_cross_entropy(fake, ops.zeros_like(fake)))

    def generator(self, fake: Tensor) -> Any:
        """-log D(G(z))."""
        return ops.mean(ops.sigmoid_cross_entropy(fake, ops.ones_like(fake)))


class LeastSquares:
    """Squared distances to 1 and 0 (Mao et al., 2017, "Least Squares Generative Adversarial
    Networks", equation 9)."""

    name = "least_squares"
    critics = 1
    wants_scores = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Any:
        """(D(x) - 1)^2 / 2 + D(G(z))^2 / 2."""
        return 0.5 * ops.mean(ops.square(real - 1.0)) + 0.5 * ops.mean(ops.square(fake))

    def generator(self, fake: Tensor) -> Any:
        """(D(G(z)) - 1)^2 / 2."""
        return 0.5 * ops.mean(ops.square(fake - 1.0))


class Wasserstein:
    """The difference of mean scores (Arjovsky, Chintala and Bottou, 2017)."""

    name = "wasserstein"
    critics = 5
    wants_scores = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Any:
        """mean D(G(z)) - mean D(x)."""
        return ops.mean(fake) - ops.mean(real)

    def generator(self, fake: Tensor) -> Any:
        """-mean D(G(z))."""
        return -ops.mean(fake)


def gradient_penalty(score: Score, real: Tensor, fake: Tensor) -> Any:
    """(|dD/dx| - 1)^2 at a point between each real row and a made one (Gulrajani et al., 2017,
    "Improved Training of Wasserstein GANs")."""
    rows = real.dims[0]
    share = ops.random_uniform((rows, *[1] * (real.ndim - 1)), 0.0, 1.0, real.dtype)
    between = fake + share * (real - fake)
    slope = graph.grad(ops.sum(score(between)), between)
    axes = tuple(range(1, real.ndim))
    length = ops.sqrt(ops.sum(ops.square(slope), axis=axes) + 1e-12)
    return ops.mean(ops.square(length - 1.0))


def scores(outputs: Tensor, game: Any, owner: str) -> Any:
    """The discriminator's outputs as the game takes them.

    Raises:
        ValueError: for outputs that a sigmoid has bounded, where the game needs them unbounded.
    """
    unbounded = _scores(outputs, owner)
    if game.wants_scores and unbounded is not outputs:
        raise ValueError(
            f"[{owner}] the {game.name} loss needs a discriminator without a final sigmoid"
        )
    return unbounded
