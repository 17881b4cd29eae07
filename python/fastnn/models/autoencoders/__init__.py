"""Autoencoders: models that learn a code by giving back what they were given."""

from __future__ import annotations

from fastnn.models.autoencoders._autoencoder import Autoencoder
from fastnn.models.autoencoders._layers import MaskingNoise, Sampling, TiedDense
from fastnn.models.autoencoders._variational import VariationalAutoencoder

__all__ = ["Autoencoder", "MaskingNoise", "Sampling", "TiedDense", "VariationalAutoencoder"]
