"""PyTorch: tensors in memory, a permutation an epoch, the fused Adam; BENCH_COMPILE=1 compiles."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import nn

from bench import networks as n

VERSION = torch.__version__.split("+")[0]
COMPILE = os.environ.get("BENCH_COMPILE") == "1"


class _Sequence(nn.Module):
    """An LSTM that returns its outputs only."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, units, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.lstm(x)[0]


def _channels_first(w: Any, shape: tuple[int, ...]) -> Any:
    """The kernel of a dense layer behind flattened images, for channels that come first."""
    return w.reshape(*shape, -1).transpose(2, 0, 1, 3).reshape(w.shape)


def _layer(layer: n.Layer, shape: tuple[int, ...]) -> nn.Module | None:
    if isinstance(layer, n.Dense):
        return nn.Linear(shape[-1], layer.units)
    if isinstance(layer, n.Conv):
        return nn.Conv2d(shape[-1], layer.filters, layer.size)
    if isinstance(layer, n.MaxPool):
        return nn.MaxPool2d(layer.size)
    if isinstance(layer, n.Flatten):
        return nn.Flatten()
    if isinstance(layer, n.Dropout):
        return nn.Dropout(layer.rate)
    if isinstance(layer, n.Embedding):
        return nn.Embedding(layer.tokens, layer.units)
    return _Sequence(shape[-1], layer.units)


def _build(network: n.Network, weights: list[Any]) -> nn.Sequential:
    modules: list[nn.Module] = []
    rest = iter(weights)
    flattened: tuple[int, ...] | None = None
    for layer, shape in zip(network.layers, network.shapes(), strict=False):
        module = _layer(layer, shape)
        modules.append(module)
        with torch.no_grad():
            if isinstance(layer, n.Flatten):
                flattened = shape
            elif isinstance(layer, n.Dense):
                kernel = next(rest)
                if flattened is not None and len(flattened) == 3:
                    kernel, flattened = _channels_first(kernel, flattened), None
                module.weight.copy_(torch.from_numpy(kernel.T.copy()))
                module.bias.copy_(torch.from_numpy(next(rest)))
            elif isinstance(layer, n.Conv):
                kernel = next(rest).transpose(3, 2, 0, 1).copy()
                module.weight.copy_(torch.from_numpy(kernel))
                module.bias.copy_(torch.from_numpy(next(rest)))
            elif isinstance(layer, n.Embedding):
                module.weight.copy_(torch.from_numpy(next(rest)))
            elif isinstance(layer, n.LSTM):
                lstm = module.lstm
                lstm.weight_ih_l0.copy_(torch.from_numpy(next(rest).T.copy()))
                lstm.weight_hh_l0.copy_(torch.from_numpy(next(rest).T.copy()))
                lstm.bias_ih_l0.copy_(torch.from_numpy(next(rest)))
                lstm.bias_hh_l0.zero_()
                lstm.bias_hh_l0.requires_grad_(False)  # one bias, as elsewhere
        if getattr(layer, "activation", None) == "relu":
            modules.append(nn.ReLU())
    return nn.Sequential(*modules)


class Model:
    def __init__(self, network: n.Network, weights: list[Any], data: dict[str, Any], threads: int):
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.network, self.batch = network, network.batch
        self.images = len(network.input_shape) == 3
        self.module = _build(network, weights)
        if self.images:
            self.module = self.module.to(memory_format=torch.channels_last)
        self.x, self.y = self.tensor(data["x"]), torch.from_numpy(data["y"])
        parameters = [p for p in self.module.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(parameters, eps=1e-7, fused=True)
        self.forward = torch.compile(self.module) if COMPILE else self.module
        self.losses = torch.compile(self.loss_and_right) if COMPILE else self.loss_and_right

    def tensor(self, x: Any) -> Any:
        """Images with channels first, in the order of memory in which oneDNN is quickest."""
        t = torch.from_numpy(x)
        return t.permute(0, 3, 1, 2) if self.images else t

    def loss_and_right(self, rows: Any, target: Any) -> Any:
        logits = self.module(rows)
        if self.network.output == "sigmoid":
            loss = nn.functional.binary_cross_entropy_with_logits(logits, target)
            if not self.network.accuracy:
                return loss, loss.detach()
            return loss, ((logits > 0) == (target > 0.5)).float().mean()
        logits, target = logits.reshape(-1, logits.shape[-1]), target.reshape(-1)
        loss = nn.functional.cross_entropy(logits, target)
        return loss, (logits.argmax(1) == target).float().mean()

    def fit(self, epochs: int) -> tuple[float, float]:
        self.module.train()
        for _ in range(epochs):
            total, correct = torch.zeros(()), torch.zeros(())
            for rows in torch.randperm(len(self.x)).split(self.batch):
                loss, right = self.losses(self.x[rows], self.y[rows])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                total += loss.detach() * len(rows)
                correct += right * len(rows)
        return total.item() / len(self.x), correct.item() / len(self.x)

    def probabilities(self, logits: Any) -> Any:
        return logits.sigmoid() if self.network.output == "sigmoid" else logits.softmax(-1)

    def predict(self, x: Any) -> Any:
        self.module.eval()
        with torch.inference_mode():
            parts = self.tensor(x).split(self.batch)
            return torch.cat([self.probabilities(self.forward(p)) for p in parts]).numpy()

    def row(self, row: Any) -> Any:
        self.module.eval()

        def call() -> Any:
            with torch.inference_mode():
                return self.probabilities(self.forward(self.tensor(row))).numpy()

        return call


def matmul(a: Any, b: Any, threads: int) -> Any:
    torch.set_num_threads(threads)
    x, y = torch.from_numpy(np.asarray(a)), torch.from_numpy(np.asarray(b))
    return lambda: torch.matmul(x, y)
