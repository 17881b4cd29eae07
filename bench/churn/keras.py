"""The churn network in Keras 3, on the backend that KERAS_BACKEND names."""

from __future__ import annotations

from typing import Any

from bench.churn import BATCH, SIZES, measurements


def prepare(arrays: dict[str, Any], threads: int) -> tuple[str, dict[str, Any]]:
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(0)
    x, y = arrays["x"], arrays["y"]
    model = keras.Sequential([keras.Input((SIZES[0],))])
    for units in SIZES[1:-1]:
        model.add(keras.layers.Dense(units, activation="relu"))
    model.add(keras.layers.Dense(SIZES[-1], activation="sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    row = x[:1].copy()
    return keras.__version__, measurements(
        lambda epochs: model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0),
        1,
        lambda: model.predict_on_batch(row),
        200,
        len(x),
    )
