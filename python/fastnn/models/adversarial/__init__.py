"""Generative adversarial networks."""

from __future__ import annotations

from fastnn.models.adversarial._gan import GAN

__all__ = ["GAN"]
