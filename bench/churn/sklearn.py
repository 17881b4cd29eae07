"""The churn network in scikit-learn's MLPClassifier."""

from __future__ import annotations

import warnings
from typing import Any

from bench.churn import BATCH, SIZES, measurements


def prepare(arrays: dict[str, Any], threads: int) -> tuple[str, dict[str, Any]]:
    import sklearn
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")  # that max_iter ends before convergence is the point
    x, y = arrays["x"], arrays["y"]

    def fit(epochs: int) -> Any:
        return MLPClassifier(
            SIZES[1:-1], batch_size=BATCH, max_iter=epochs, tol=0.0, alpha=0.0, random_state=0
        ).fit(x, y)

    model = fit(1)
    row = x[:1].copy()
    return sklearn.__version__, measurements(fit, 2, lambda: model.predict_proba(row), 2000, len(x))
