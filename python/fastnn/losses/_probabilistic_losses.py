"""The classes of the losses of probabilities."""

from __future__ import annotations

from typing import Any

from fastnn.losses import _probabilistic as functions
from fastnn.losses._base import NamedLoss


class BinaryCrossentropy(NamedLoss):
    """Cross-entropy of yes-or-no targets: :func:`binary_crossentropy`.

    Args:
        from_logits: whether predictions are logits; behind a final sigmoid the logits are used
            without being told.
        label_smoothing: targets move this far (of 1) towards one half.
        axis: of the mean.
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> round(BinaryCrossentropy()(np.array([[1.0]]), np.array([[0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
    ) -> None:
        super().__init__(
            functions.binary_crossentropy,
            reduction,
            name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class BinaryFocalCrossentropy(NamedLoss):
    """Cross-entropy that dampens easy samples: :func:`binary_focal_crossentropy`.

    Args:
        apply_class_balancing: whether class 1 is weighed by ``alpha`` and class 0 by 1 - alpha.
        alpha: see there.
        gamma: how strongly easy samples are dampened.
        from_logits: whether predictions are logits.
        label_smoothing: targets move this far (of 1) towards one half.
        axis: of the mean.
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> round(BinaryFocalCrossentropy()(np.array([[1.0]]), np.array([[0.5]])), 4)
        0.1733
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
    ) -> None:
        super().__init__(
            functions.binary_focal_crossentropy,
            reduction,
            name,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(NamedLoss):
    """Cross-entropy of one-hot targets: :func:`categorical_crossentropy`.

    Args:
        from_logits: whether predictions are logits; behind a final softmax the logits are used
            without being told.
        label_smoothing: targets move this far (of 1) towards the uniform distribution.
        axis: of the classes.
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> round(CategoricalCrossentropy()(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
    ) -> None:
        super().__init__(
            functions.categorical_crossentropy,
            reduction,
            name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(NamedLoss):
    """Focal cross-entropy between classes: :func:`categorical_focal_crossentropy`.

    Args:
        alpha: a factor.
        gamma: how strongly easy samples are dampened.
        from_logits: whether predictions are logits.
        label_smoothing: targets move this far (of 1) towards the uniform distribution.
        axis: of the classes.
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> loss = CategoricalFocalCrossentropy()
        >>> round(loss(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])), 4)
        0.0433
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
    ) -> None:
        super().__init__(
            functions.categorical_focal_crossentropy,
            reduction,
            name,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(NamedLoss):
    """Cross-entropy with classes as numbers: :func:`sparse_categorical_crossentropy`.

    Args:
        from_logits: whether predictions are logits; behind a final softmax the logits are used
            without being told.
        ignore_class: rows of this class count neither in the sum nor in the mean.
        reduction: see :class:`Loss`.
        axis: of the classes.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> round(SparseCategoricalCrossentropy()(np.array([1]), np.array([[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
    ) -> None:
        super().__init__(
            functions.sparse_categorical_crossentropy,
            reduction,
            name,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )

    def mask(self, y_true: Any, y_pred: Any) -> Any:
        """The rows that are not of ``ignore_class``; None where there is none."""
        ignored = self.settings["ignore_class"]
        if ignored is None:
            return None
        return functions.valid_labels(y_true, y_pred, ignored, self.settings["axis"])


class KLDivergence(NamedLoss):
    """The Kullback-Leibler divergence: :func:`kl_divergence`.

    Args:
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> KLDivergence()(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5]]))
        0.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "kl_divergence"
    ) -> None:
        super().__init__(functions.kl_divergence, reduction, name)


class Poisson(NamedLoss):
    """The loss of counts: :func:`poisson`.

    Args:
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> round(Poisson()(np.array([[2.0]]), np.array([[1.0]])), 4)
        1.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "poisson"
    ) -> None:
        super().__init__(functions.poisson, reduction, name)
