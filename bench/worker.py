"""The process in which one peer measures: ``python -m bench.worker`` is for `bench.process`.

It is asked in lines of JSON on its standard input and answers in lines of JSON:

- ``{"do": "load", "workload": NAME, "folder": PATH}``: builds the network from the first weights,
  predicts, trains the epochs of the workload, predicts again; the predictions are files there.
- ``{"do": "measure", "measurement": NAME, "seconds": S}``: does the unit for about S seconds and
  answers with the seconds of one:

  step         of a training step: the wall time of a call that trains for some epochs, over its
               steps; shuffling, gathering, the mean loss and accuracy of each epoch included
  epoch        of a call that trains for one epoch
  infer        of one row, where all are predicted in batches
  row          of a call that predicts one row, from a NumPy array to a NumPy array, the shortest
               way the framework has
  row predict  the same by the general ``predict``
  MxKxN NN     of a matrix product
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.networks import Machine
from bench.workloads import WORKLOADS, Products, Training


class Unit:
    """What is measured: ``call(n)`` does it n times, each time ``units`` of them."""

    def __init__(self, call: Callable[[int], object], units: int = 1) -> None:
        self.call, self.units = call, units
        self.repeat = 1

    def seconds(self, target: float) -> float:
        """Of one unit; the next time does as many as last about ``target`` seconds."""
        start = time.perf_counter()
        self.call(self.repeat)
        took = time.perf_counter() - start
        result = took / (self.repeat * self.units)
        if not target / 2 < took < 2 * target:
            self.repeat = max(1, round(self.repeat * target / max(took, 1e-9)))
        return result


def repeated(call: Callable[[], object]) -> Callable[[int], None]:
    """A call that is made n times, one after the other."""

    def run(n: int) -> None:
        for _ in range(n):
            call()

    return run


def training_units(workload: Training, model: Any, arrays: dict[str, Any]) -> dict[str, Unit]:
    steps = -(-len(arrays["x"]) // workload.network.batch)
    tests = arrays["x_test"]
    row = np.ascontiguousarray(tests[:1])
    makers: dict[str, Callable[[], Unit]] = {
        "step": lambda: Unit(model.fit, steps),
        "epoch": lambda: Unit(repeated(lambda: model.fit(1))),
        "infer": lambda: Unit(repeated(lambda: model.predict(tests)), len(tests)),
        "row": lambda: Unit(repeated(model.row(row))),
        "row predict": lambda: Unit(repeated(model.row_predict(row))),
    }
    wanted = [
        m for m in workload.measurements if m != "row predict" or hasattr(model, "row_predict")
    ]
    return {name: makers[name]() for name in wanted}


def load_training(
    workload: Training, framework: Any, folder: Path, threads: int
) -> dict[str, Unit]:
    with np.load(folder / "data.npz") as file:
        arrays = {name: file[name] for name in file.files}
    count = sum(name.startswith("weight") for name in arrays)
    weights = [arrays[f"weight{i}"] for i in range(count)]
    kind = framework.Machine if isinstance(workload.network, Machine) else framework.Model
    model = kind(workload.network, weights, arrays, threads)
    tests = arrays["x_test"]
    np.save(folder / f"start-{os.getpid()}.npy", model.predict(tests))
    if workload.epochs:
        model.fit(workload.epochs)
        np.save(folder / f"end-{os.getpid()}.npy", model.predict(tests))
    return training_units(workload, model, arrays)


def load_products(
    workload: Products, framework: Any, folder: Path, threads: int
) -> dict[str, Unit]:
    rng = np.random.default_rng(0)
    units: dict[str, Unit] = {}
    for name in workload.measurements:
        shape, form = name.split()
        m, k, n = map(int, shape.split("x"))
        a = rng.standard_normal((k, m) if form[0] == "T" else (m, k)).astype(workload.dtype)
        b = rng.standard_normal((n, k) if form[1] == "T" else (k, n)).astype(workload.dtype)
        a, b = a.T if form[0] == "T" else a, b.T if form[1] == "T" else b
        call = framework.matmul(a, b, threads)
        expected = a @ b
        bound = 8 * k**0.5 * np.finfo(workload.dtype).eps * float(np.abs(expected).max() + 1)
        np.testing.assert_allclose(np.asarray(call()), expected, rtol=0, atol=bound)
        units[name] = Unit(repeated(call))
    return units


def serve(framework: Any, threads: int, requests: Any, answer: Callable[[Any], None]) -> None:
    units: dict[str, Unit] = {}
    for line in requests:
        request = json.loads(line)
        try:
            if request["do"] == "load":
                units.clear()
                gc.collect()
                workload = WORKLOADS[request["workload"]]
                load = load_training if isinstance(workload, Training) else load_products
                units = load(workload, framework, Path(request["folder"]), threads)
                answer({"measurements": list(units), "pid": os.getpid()})
            else:
                seconds = units[request["measurement"]].seconds(request["seconds"])
                answer({"seconds": seconds})
        except Exception as error:
            message = str(error).strip() or repr(error)
            answer({"error": f"{type(error).__name__}: {message}"[:2000]})


def main() -> None:
    name, threads = sys.argv[1], int(sys.argv[2])
    # Frameworks print: what they write to the standard output goes to the standard error.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(message: Any) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    framework = importlib.import_module(f"bench.frameworks.{name}")
    answer({"version": framework.VERSION})
    serve(framework, threads, sys.stdin, answer)


if __name__ == "__main__":
    main()
