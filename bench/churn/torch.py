"""The churn network in PyTorch: tensors in memory, a permutation an epoch, the fused Adam."""

from __future__ import annotations

import itertools
from typing import Any

from bench.churn import BATCH, SIZES, measurements


def prepare(arrays: dict[str, Any], threads: int) -> tuple[str, dict[str, Any]]:
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    x, y = torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["y"])[:, None]
    layers: list[Any] = []
    for inputs, units in itertools.pairwise(SIZES):
        layers += [torch.nn.Linear(inputs, units), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    loss_of = torch.nn.BCEWithLogitsLoss()

    def fit(epochs: int) -> tuple[float, float]:
        for _ in range(epochs):
            total, correct = torch.zeros(()), torch.zeros(())
            order = torch.randperm(len(x))
            for rows in order.split(BATCH):
                target = y[rows]
                logits = network(x[rows])
                loss = loss_of(logits, target)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(rows)
                correct += ((logits > 0) == (target > 0.5)).sum()
        return total.item() / len(x), correct.item() / len(x)

    row = arrays["x"][:1].copy()

    def predict() -> Any:
        with torch.inference_mode():
            return torch.sigmoid(network(torch.from_numpy(row))).numpy()

    return torch.__version__, measurements(fit, 1, predict, 5000, len(x))
