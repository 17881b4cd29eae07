"""The classifier."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from fastnn.sklearn._mlp import BaseMLP
from fastnn.sklearn._network import Array


def _is_stochastic(estimator: Any) -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is for the solvers 'adam' and 'sgd', got 'lbfgs'")
    return True


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A network of dense layers that tells classes apart, or labels (several a row).

    It has the parameters of scikit-learn's MLPClassifier, with the same names and defaults, and
    takes the same steps from the same ``random_state``. Beyond it there are ``class_weight``,
    ``partial_fit`` for labels, further activations, and the time that it takes. Sample weights are
    divided by the mean of all rows' weights, so that an epoch's batches add up to the weighted
    cost; scikit-learn divides by the sum of each batch, which is the same for a single batch only.

    All of scikit-learn's ``check_estimator`` passes, without exceptions. Sparse X is refused.

    Args:
        hidden_layer_sizes: units of the hidden layers; default (100,).
        activation: of the hidden layers: "identity", "logistic", "tanh", "relu" (default), "elu",
            "gelu", "leaky_relu", "selu", "silu", "softplus".
        solver: "adam" (default), "sgd" or "lbfgs" (all rows at once; for small data).
        alpha: the squared weights cost alpha / 2 divided by the rows of a batch; default 1e-4.
        batch_size: rows of an update; "auto" (default): min(200, rows).
        learning_rate: of "sgd": "constant" (default), "invscaling": divided by t^power_t after t
            rows, "adaptive": divided by 5 where training would stop.
        learning_rate_init: default 0.001.
        power_t: see learning_rate; default 0.5.
        max_iter: epochs at most; default 200.
        shuffle: whether each epoch has an order of its own; default True.
        random_state: a number, a RandomState or None; a number repeats weights, order and split.
        tol: an improvement is more than this; default 1e-4.
        verbose: whether each epoch is printed; default False.
        warm_start: whether fit goes on from the weights of the last; default False.
        momentum: of "sgd"; default 0.9.
        nesterovs_momentum: of "sgd"; default True.
        early_stopping: whether a part of the rows is held out to stop by its accuracy, and the
            weights of its best epoch are kept; default False.
        validation_fraction: that part; default 0.1.
        beta_1: of "adam"; default 0.9.
        beta_2: of "adam"; default 0.999.
        epsilon: of "adam"; default 1e-8.
        n_iter_no_change: epochs without improvement that are borne; default 10.
        max_fun: of "lbfgs", evaluations of the cost at most; default 15000.
        class_weight: class to weight, "balanced" (rows / (classes * rows of the class)), a list of
            dicts for labels, or None (default): 1 each.
        dtype: "float32", "float64", or None (default): that of X, float64 for most; float32 is
            about twice as fast for wide layers.

    Attributes:
        classes_: the classes, sorted.
        coefs_: the weights of each layer, shape (inputs, units), read-only.
        intercepts_: the biases of each layer, read-only.
        loss_curve_: the cost of each epoch; best_loss_ is the least, loss_ the last.
        validation_scores_: with early_stopping, the accuracy after each epoch.
        best_validation_score_: the highest of them.
        n_iter_: epochs of the last fit.
        t_: rows trained on.
        n_features_in_: columns of X.
        feature_names_in_: their names, where X was a frame with names.
        n_layers_, n_outputs_, out_activation_: of the network.

    Raises:
        ValueError: during fit, for data or parameters that do not fit.

    Source: Glorot and Bengio, 2010, "Understanding the difficulty of training deep feedforward
    neural networks"; Kingma and Ba, 2014, "Adam: a method for stochastic optimization".

    Example:
        >>> import numpy as np
        >>> from fastnn.sklearn import MLPClassifier
        >>> x = np.random.default_rng(0).normal(size=(400, 2))
        >>> y = np.where(x[:, 0] * x[:, 1] > 0, "same", "other")
        >>> model = MLPClassifier((16,), solver="lbfgs", random_state=0).fit(x, y)
        >>> bool(model.score(x, y) > 0.95)
        True
        >>> model.predict([[1.0, 1.0], [1.0, -1.0]])
        array(['same', 'other'], dtype='<U5')
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMLP._parameter_constraints,
        "class_weight": [dict, list, str, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        dtype: str | None = None,
    ) -> None:
        self._store(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Trains.

        Args:
            X: shape (rows, features): an array, or a pandas or polars frame of numbers.
            y: a class a row, or 0 and 1 of shape (rows, labels).
            sample_weight: a weight for each row; default 1 each.

        Raises:
            ValueError: for data or parameters that do not fit, and for weights that training has
                driven out of the numbers.
        """
        self._train(X, y, sample_weight, incremental=False)
        return self

    @available_if(_is_stochastic)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Trains for one epoch on these rows, with the optimizer as the last call has left it.

        Args:
            X: as for :meth:`fit`.
            y: as for :meth:`fit`; not all classes need to be there.
            sample_weight: as for :meth:`fit`.
            classes: all classes there will be; needed in the first call, but not for labels.

        Raises:
            ValueError: for data that do not fit, or classes that were not announced.
        """
        fitted = hasattr(self, "coefs_")
        if fitted and classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"[{type(self).__name__}] expected classes as in the first call, {self.classes_}, "
                f"got {classes}"
            )
        if self.class_weight == "balanced":
            raise ValueError(
                f"[{type(self).__name__}] class_weight='balanced' needs all rows: compute a dict "
                "with sklearn.utils.class_weight.compute_class_weight for partial_fit"
            )
        self._train(X, y, sample_weight, incremental=True, classes=classes)
        return self

    # --- classes and numbers

    classes_: Array

    def _encode(self, y: Any, first: bool, incremental: bool, classes: Any) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if first:
            self._find_classes(y, incremental, classes)
        owner, dtype = type(self).__name__, self.dtype or np.float64
        if self._multilabel:
            if y.ndim != 2 or y.shape[1] != len(self.classes_):
                raise ValueError(
                    f"[{owner}] expected y of shape (rows, {len(self.classes_)}), got {y.shape}"
                )
            return np.asarray(y, dtype)
        unseen = np.setdiff1d(y, self.classes_)
        if unseen.size:
            raise ValueError(
                f"[{owner}] `y` has classes not in `self.classes_`, {self.classes_}: {unseen}"
            )
        if self.warm_start and not first and not incremental:
            missing = np.setdiff1d(self.classes_, y)
            if missing.size:
                raise ValueError(
                    f"[{owner}] warm_start can only be used where `y` has the same classes as in "
                    f"the previous call to fit, {self.classes_}; {missing} are missing"
                )
        numbers: Array = np.searchsorted(self.classes_, y)
        if len(self.classes_) == 2:
            return numbers.astype(dtype)[:, None]
        return numbers

    def _find_classes(self, y: Any, incremental: bool, announced: Any) -> None:
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multiclass-multioutput":
            raise ValueError(
                f"[{type(self).__name__}] expected a class a row, or labels of 0 and 1, got "
                "several numbers a row"
            )
        self._multilabel = kind == "multilabel-indicator"
        if self._multilabel:
            self.classes_ = np.arange(y.shape[1])
        elif incremental:
            if announced is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            self.classes_ = np.unique(announced)
        else:
            self.classes_ = np.unique(y)
        if len(self.classes_) < 2 and not self._multilabel:
            raise ValueError(
                f"[{type(self).__name__}] expected at least 2 classes, got 1 class: "
                f"{self.classes_[0]!r}"
            )

    def _output(self) -> tuple[int, str, str]:
        if self._multilabel:
            return len(self.classes_), "sigmoid", "binary"
        if len(self.classes_) == 2:
            return 1, "sigmoid", "binary"
        return len(self.classes_), "softmax", "multiclass"

    def _weigh(self, y: Any, weights: Array | None) -> Array | None:
        if self.class_weight is None:
            return weights
        by_class: Array = compute_sample_weight(self.class_weight, y)
        return by_class if weights is None else by_class * weights

    def _score(self, x: Array, target: Array, weights: Array | None) -> float:
        outputs = self._network.predict(x)
        if not np.isfinite(outputs).all():
            return float("nan")
        predicted = outputs > 0.5 if target.ndim == 2 else outputs.argmax(axis=1)
        return float(accuracy_score(target.astype(np.int64), predicted, sample_weight=weights))

    # --- prediction

    def predict(self, X: Any) -> Array:
        """The class of each row, shape (rows,); or 0 and 1, shape (rows, labels).

        Args:
            X: as for :meth:`fit`.

        Raises:
            NotFittedError: before fit.
            ValueError: for other columns than those of fit.
        """
        outputs = self._forward(X)
        numbers: Array
        if self._multilabel:
            numbers = (outputs > 0.5).astype(np.int64)
            return numbers
        if len(self.classes_) == 2:
            numbers = (outputs[:, 0] > 0.5).astype(np.int64)
        else:
            numbers = outputs.argmax(axis=1)
        classes: Array = self.classes_[numbers]
        return classes

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class (of each label), shape (rows, classes).

        Args:
            X: as for :meth:`fit`.

        Raises:
            NotFittedError: before fit.
            ValueError: for other columns than those of fit.
        """
        outputs = self._forward(X)
        if self._multilabel or len(self.classes_) > 2:
            return outputs
        return np.concatenate([1.0 - outputs, outputs], axis=1)

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of :meth:`predict_proba`; -inf for a probability of 0."""
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(probabilities, out=probabilities)
        return logarithms

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
