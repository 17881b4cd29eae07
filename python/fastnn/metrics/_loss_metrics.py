"""Losses as metrics: the mean of the loss over all samples."""

from __future__ import annotations

from fastnn import losses
from fastnn.metrics._reduction import MeanMetricWrapper


class _LossMetric(MeanMetricWrapper):
    direction = "down"


class MeanSquaredError(_LossMetric):
    """The mean of :func:`fastnn.losses.mean_squared_error`.

    Args:
        name: of this metric.

    Example:
        >>> MeanSquaredError()([[0.0], [0.0]], [[1.0], [3.0]])
        5.0
    """

    def __init__(self, name: str | None = "mean_squared_error") -> None:
        super().__init__(losses.mean_squared_error, name)


class MeanAbsoluteError(_LossMetric):
    """The mean of :func:`fastnn.losses.mean_absolute_error`.

    Example:
        >>> MeanAbsoluteError()([[0.0], [0.0]], [[1.0], [-3.0]])
        2.0
    """

    def __init__(self, name: str | None = "mean_absolute_error") -> None:
        super().__init__(losses.mean_absolute_error, name)


class MeanAbsolutePercentageError(_LossMetric):
    """The mean of :func:`fastnn.losses.mean_absolute_percentage_error`.

    Example:
        >>> MeanAbsolutePercentageError()([[4.0]], [[3.0]])
        25.0
    """

    def __init__(self, name: str | None = "mean_absolute_percentage_error") -> None:
        super().__init__(losses.mean_absolute_percentage_error, name)


class MeanSquaredLogarithmicError(_LossMetric):
    """The mean of :func:`fastnn.losses.mean_squared_logarithmic_error`.

    Example:
        >>> MeanSquaredLogarithmicError()([[1.0]], [[1.0]])
        0.0
    """

    def __init__(self, name: str | None = "mean_squared_logarithmic_error") -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name)


class LogCoshError(_LossMetric):
    """The mean of :func:`fastnn.losses.log_cosh`.

    Example:
        >>> LogCoshError()([[1.0]], [[1.0]])
        0.0
    """

    def __init__(self, name: str | None = "logcosh") -> None:
        super().__init__(losses.log_cosh, name)


class Hinge(_LossMetric):
    """The mean of :func:`fastnn.losses.hinge`.

    Example:
        >>> Hinge()([[-1.0, 1.0]], [[0.5, 2.0]])
        0.75
    """

    def __init__(self, name: str | None = "hinge") -> None:
        super().__init__(losses.hinge, name)


class SquaredHinge(_LossMetric):
    """The mean of :func:`fastnn.losses.squared_hinge`.

    Example:
        >>> SquaredHinge()([[-1.0, 1.0]], [[1.0, 2.0]])
        2.0
    """

    def __init__(self, name: str | None = "squared_hinge") -> None:
        super().__init__(losses.squared_hinge, name)


class CategoricalHinge(_LossMetric):
    """The mean of :func:`fastnn.losses.categorical_hinge`.

    Example:
        >>> CategoricalHinge()([[0.0, 1.0]], [[0.25, 0.75]])
        0.5
    """

    def __init__(self, name: str | None = "categorical_hinge") -> None:
        super().__init__(losses.categorical_hinge, name)


class KLDivergence(_LossMetric):
    """The mean of :func:`fastnn.losses.kl_divergence`.

    Example:
        >>> KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]])
        0.0
    """

    def __init__(self, name: str | None = "kl_divergence") -> None:
        super().__init__(losses.kl_divergence, name)


class Poisson(_LossMetric):
    """The mean of :func:`fastnn.losses.poisson`.

    Example:
        >>> round(Poisson()([[2.0]], [[1.0]]), 4)
        1.0
    """

    def __init__(self, name: str | None = "poisson") -> None:
        super().__init__(losses.poisson, name)


class BinaryCrossentropy(_LossMetric):
    """The mean of :func:`fastnn.losses.binary_crossentropy`.

    Args:
        name: of this metric.
        from_logits: whether predictions are logits.
        label_smoothing: targets move this far (of 1) towards one half.

    Example:
        >>> round(BinaryCrossentropy()([[1.0]], [[0.5]]), 4)
        0.6931
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            losses.binary_crossentropy,
            name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(_LossMetric):
    """The mean of :func:`fastnn.losses.categorical_crossentropy`.

    Args:
        name: of this metric.
        from_logits: whether predictions are logits.
        label_smoothing: targets move this far (of 1) towards the uniform distribution.
        axis: of the classes.

    Example:
        >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
        0.6931
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.categorical_crossentropy,
            name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(_LossMetric):
    """The mean of :func:`fastnn.losses.sparse_categorical_crossentropy`.

    Args:
        name: of this metric.
        from_logits: whether predictions are logits.
        axis: of the classes.

    Example:
        >>> round(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]]), 4)
        0.6931
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        from_logits: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.sparse_categorical_crossentropy, name, from_logits=from_logits, axis=axis
        )
