"""Models: stacks and graphs of layers that can be trained as a whole, and Boltzmann machines."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastnn.layers import Input
from fastnn.models._clone import clone_model
from fastnn.models._files import load_model
from fastnn.models._model import Model, model_from_json, save_model
from fastnn.models._sequential import Sequential

if TYPE_CHECKING:
    from fastnn.models.adversarial import GAN
    from fastnn.models.autoencoders import Autoencoder, VariationalAutoencoder
    from fastnn.models.boltzmann import DBM, DBN, RBM
    from fastnn.models.neurons import NeuronGraph
    from fastnn.models.trees import RNTN

# Loaded when they are first asked for.
_NAMES = {
    "Autoencoder": "autoencoders",
    "DBM": "boltzmann",
    "DBN": "boltzmann",
    "GAN": "adversarial",
    "NeuronGraph": "neurons",
    "RBM": "boltzmann",
    "RNTN": "trees",
    "VariationalAutoencoder": "autoencoders",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "DBM",
    "DBN",
    "GAN",
    "RBM",
    "RNTN",
    "Autoencoder",
    "Input",
    "Model",
    "NeuronGraph",
    "Sequential",
    "VariationalAutoencoder",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]
