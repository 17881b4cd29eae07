"""Estimators for scikit-learn's pipelines, searches and calibrations.

scikit-learn is an extra: ``pip install 'fastnn[sklearn]'``.

They take scikit-learn's parameters, with its names and defaults, and do its arithmetic: from the
same ``random_state`` a network gets scikit-learn's weights up to rounding, many times sooner.
"""

try:
    import sklearn as _sklearn
except ImportError as error:
    raise ImportError(
        f"fastnn.sklearn needs scikit-learn, which cannot be imported ({error});"
        " install it with: pip install 'fastnn[sklearn]'"
    ) from error
if tuple(int(part) for part in _sklearn.__version__.split(".")[:2]) < (1, 6):
    raise ImportError(
        f"fastnn.sklearn needs scikit-learn 1.6 or newer, got {_sklearn.__version__};"
        " install it with: pip install --upgrade 'fastnn[sklearn]'"
    )

from fastnn.sklearn._autoencoder import AutoencoderTransformer
from fastnn.sklearn._classifier import MLPClassifier
from fastnn.sklearn._dbn import DBNClassifier
from fastnn.sklearn._rbm import BernoulliRBM, GaussianRBM
from fastnn.sklearn._regressor import MLPRegressor

__all__ = [
    "AutoencoderTransformer",
    "BernoulliRBM",
    "DBNClassifier",
    "GaussianRBM",
    "MLPClassifier",
    "MLPRegressor",
]
