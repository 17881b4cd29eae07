"""Killing processes that save: what test_checkpoints.py and kill_saves.py share."""

from __future__ import annotations

import os
import random
import signal
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import fastnn
from fastnn.layers import Dense


def network(value: float) -> fastnn.Sequential:
    """A model all of whose weights are one number."""
    model = fastnn.Sequential([Dense(40, input_dim=60), Dense(30), Dense(1)])
    model.compile("adam", "mse")
    model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])
    return model


def kill_while_saving(folder: Path, kills: int, seed: int = 0) -> Counter[str]:
    """Forks a process that saves one model after another, kills it, and reads the file; again.

    Args:
        folder: where the file lies.
        kills: how often.
        seed: of the moments.

    Returns:
        How many files held the model that was there before, and how many another; and how many
        kills left a half-written file beside it.
    """
    path = folder / "model.fastnn"
    models = [network(float(number)) for number in range(1, 4)]
    models[0].save(path)
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    before = 1.0
    for _ in range(kills):
        child = _fork()
        if child == 0:
            while True:
                for model in models:
                    model.save(path)
        time.sleep(chance.uniform(0.0005, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = fastnn.load_model(path).get_weights()
        value = float(found[0].flat[0])
        assert value in (1.0, 2.0, 3.0)
        assert all((weight == value).all() for weight in found)
        counts["old" if value == before else "new"] += 1
        counts["left over"] += len(list(folder.iterdir())) > 1
        before = value
    return counts


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child only saves
        return os.fork()
