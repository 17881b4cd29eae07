"""What fastnn and Keras share: the names of layers and models."""

from __future__ import annotations

from typing import Any

from bench import networks as n


def sequential(library: Any, network: n.Network) -> Any:
    """A compiled Sequential of ``library``, which is fastnn or keras."""
    layers = library.layers
    model = library.Sequential([library.Input(network.input_shape, **_dtype(network))])
    for layer in network.layers:
        if isinstance(layer, n.Dense):
            model.add(layers.Dense(layer.units, activation=layer.activation))
        elif isinstance(layer, n.Conv):
            model.add(layers.Conv2D(layer.filters, layer.size, activation=layer.activation))
        elif isinstance(layer, n.MaxPool):
            model.add(layers.MaxPooling2D(layer.size))
        elif isinstance(layer, n.Flatten):
            model.add(layers.Flatten())
        elif isinstance(layer, n.Dropout):
            model.add(layers.Dropout(layer.rate))
        elif isinstance(layer, n.Embedding):
            model.add(layers.Embedding(layer.tokens, layer.units))
        else:
            model.add(layers.LSTM(layer.units, return_sequences=True))
    loss = "binary" if network.output == "sigmoid" else "sparse_categorical"
    metrics = ["accuracy"] if network.accuracy else []
    model.compile("adam", f"{loss}_crossentropy", metrics=metrics)
    return model


def _dtype(network: n.Network) -> dict[str, str]:
    return {"dtype": "int32"} if network.tokens else {}
