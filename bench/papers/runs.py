"""What the scripts share: MNIST with held-out rows, seeds, and the file of results."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastnn
from fastnn.datasets import mnist

RESULTS = Path(__file__).resolve().parent.parent / "results" / "papers.json"
HELD_OUT = 10_000


@dataclass(frozen=True)
class Digits:
    """MNIST as rows of 784 values in [0, 1]; what is chosen is chosen on the held-out rows."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    x_held: NDArray[np.float32]
    y_held: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]


def digits(quick: bool) -> Digits:
    """All rows, or a few thousand for a quick look at whether a script works."""
    (x, y), (x_test, y_test) = mnist.load_data()
    x, x_test = (a.reshape(len(a), 784).astype(np.float32) / 255 for a in (x, x_test))
    y, y_test = y.astype(np.int64), y_test.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    most, held = (2000, 1000) if quick else (len(x), HELD_OUT)
    test = 1000 if quick else len(x_test)
    return Digits(
        x[: most - held], y[: most - held], x[-held:], y[-held:], x_test[:test], y_test[:test]
    )


def main(name: str, run: Callable[[int, bool], dict[str, float]], says: str) -> None:
    """Runs a script's work for each seed, prints it and keeps means and seconds.

    Args:
        name: of the result.
        run: takes a seed and whether to be quick; returns figures by name.
        says: the paper's figure, in words.
    """
    parser = argparse.ArgumentParser(description=says)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="seeds side by side")
    parser.add_argument("--quick", action="store_true", help="small, to see that it works")
    arguments = parser.parse_args()
    work = partial(_one, run, arguments.quick)
    every: list[dict[str, float]] = []
    # Forked, so that a process shows the script's name; nothing has run in this one yet.
    with ProcessPoolExecutor(arguments.jobs, get_context("fork")) as pool:
        for seed, figures in enumerate(pool.map(work, range(arguments.seeds))):
            every.append(figures)
            shown = ", ".join(f"{k} {v:.5g}" for k, v in figures.items())
            print(f"seed {seed}: {shown}", flush=True)
    means = {k: float(np.mean([f[k] for f in every])) for k in every[0]}
    spreads = {k: float(np.std([f[k] for f in every])) for k in every[0]}
    print("mean: " + ", ".join(f"{k} {v:.5g} ± {spreads[k]:.2g}" for k, v in means.items()))
    print(f"the paper: {says}")
    if not arguments.quick:
        _keep(name, {"mean": means, "spread": spreads, "seeds": every, "paper": says})


def _one(run: Callable[[int, bool], dict[str, float]], quick: bool, seed: int) -> dict[str, float]:
    """The figures of one seed, and what it took."""
    fastnn.utils.set_random_seed(seed)
    start, busy = time.perf_counter(), time.process_time()
    figures = run(seed, quick)
    figures["seconds"] = time.perf_counter() - start
    figures["processor seconds"] = time.process_time() - busy
    return figures


def _keep(name: str, result: dict[str, Any]) -> None:
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known[name] = {**result, "threads": fastnn.get_num_threads()}
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
