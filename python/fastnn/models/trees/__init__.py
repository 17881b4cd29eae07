"""Recursive networks over trees."""

from __future__ import annotations

from fastnn.models.trees._rntn import RNTN

__all__ = ["RNTN"]
