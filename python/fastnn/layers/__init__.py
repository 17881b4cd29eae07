"""Layers: the parts that models are made of, composed from ``fastnn.ops``."""

from __future__ import annotations

from fastnn.layers._base import Layer
from fastnn.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from fastnn.layers.augmentation import (
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from fastnn.layers.convolution import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose
from fastnn.layers.core import Dense, Embedding, Input, InputLayer, Lambda, Masking
from fastnn.layers.image_light import RandomBrightness, RandomContrast
from fastnn.layers.image_size import CenterCrop, RandomCrop, Resizing
from fastnn.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from fastnn.layers.normalization import BatchNormalization, LayerNormalization, Normalization
from fastnn.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from fastnn.layers.recurrent import GRU, LSTM, SimpleRNN
from fastnn.layers.recurrent_cells import GRUCell, LSTMCell, SimpleRNNCell
from fastnn.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
)
from fastnn.layers.reshaping import Flatten, Permute, RepeatVector, Rescaling, Reshape
from fastnn.layers.rnn import RNN
from fastnn.layers.stacked_cells import StackedRNNCells
from fastnn.layers.wrappers import Bidirectional, TimeDistributed

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Bidirectional",
    "CenterCrop",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
]
