"""What a generator makes, as a picture after each epoch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.callbacks import Callback
from fastnn.plotting._images import plot_images


class SampleGrid(Callback):
    """Draws images of a :class:`fastnn.models.GAN` in training, always from the same noise.

    Args:
        folder: where ``epoch_0001.png`` and so on are written; made where it is not there.
        count: images in a picture; default 64.
        every: epochs from one picture to the next; default 1.
        image_shape: of a row, where rows are flat: (height, width) or (height, width, channels).
        y: conditions of the images, where the models take some: one for each.
        seed: of the noise; default 0.

    Raises:
        ValueError: for a count or distance below 1.

    Example:
        >>> SampleGrid("samples", count=16).count
        16
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        count: int = 64,
        every: int = 1,
        image_shape: tuple[int, ...] | None = None,
        y: Any = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if count < 1 or every < 1:
            raise ValueError(
                f"[SampleGrid] expected count and every of at least 1, got {count} and {every}"
            )
        self.folder, self.image_shape = Path(folder), image_shape
        self.count = count if y is None else len(y)
        self.every, self.y, self.seed = every, y, seed

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draws the picture of the epoch."""
        if (epoch + 1) % self.every:
            return
        generator = np.random.default_rng(self.seed)
        gan: Any = self.model
        noise = generator.normal(size=(self.count, gan.noise_size)).astype(np.float32)
        images = gan.generate(noise=noise, y=self.y)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"epoch_{epoch + 1:04d}.png"
        plot_images(images, image_shape=self.image_shape, path=path)
