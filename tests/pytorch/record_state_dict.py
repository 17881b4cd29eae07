"""Records state_dict.npz: weights of PyTorch's layers under its names, inputs and outputs.

python tests/pytorch/record_state_dict.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)


class Images(nn.Module):
    """Layers over (batch, channels, height, width)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, (3, 2), stride=2)
        self.norm = nn.BatchNorm2d(4, eps=1e-3)
        self.up = nn.ConvTranspose2d(4, 2, 3, stride=2)
        self.out = nn.Linear(2, 3)

    def forward(self, x):
        x = self.up(torch.relu(self.norm(self.conv(x))))
        return self.out(x.permute(0, 2, 3, 1))


class Sequences(nn.Module):
    """Layers over (batch, time) of whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 3)
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.gru = nn.GRU(4, 5, batch_first=True)
        self.rnn = nn.RNN(5, 2, batch_first=True)
        self.norm = nn.LayerNorm(2, eps=1e-3)

    def forward(self, x):
        for layer in (self.lstm, self.gru, self.rnn):
            x = layer(self.table(x) if layer is self.lstm else x)[0]
        return self.norm(x)


def main() -> None:
    arrays = {}
    x = torch.randn(2, 3, 7, 6)
    for name, model, given in (
        ("images", Images(), x),
        ("sequences", Sequences(), torch.randint(0, 7, (2, 5))),
    ):
        with torch.no_grad():
            for key, value in model.state_dict().items():
                if value.is_floating_point():
                    value.uniform_(0.2 if "var" in key else -1.0, 1.0)
            arrays[f"{name}/x"] = given.numpy()
            arrays[f"{name}/y"] = model.eval()(given).numpy()
        arrays |= {f"{name}/state/{k}": v.numpy() for k, v in model.state_dict().items()}
    path = Path(__file__).parent / "state_dict.npz"
    np.savez_compressed(path, torch=np.array(torch.__version__), **arrays)
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
