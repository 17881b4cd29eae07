"""Pictures of trainings, predictions, weights and models.

Those of models are SVG and need nothing; the others are matplotlib's (``pip install
'fastnn[plot]'``).
"""

from fastnn.models._picture import plot_model
from fastnn.plotting._confusion import plot_confusion_matrix
from fastnn.plotting._embedding import plot_embedding
from fastnn.plotting._history import plot_history
from fastnn.plotting._images import plot_filters, plot_images, plot_reconstructions
from fastnn.plotting._samples import SampleGrid

__all__ = [
    "SampleGrid",
    "plot_confusion_matrix",
    "plot_embedding",
    "plot_filters",
    "plot_history",
    "plot_images",
    "plot_model",
    "plot_reconstructions",
]
