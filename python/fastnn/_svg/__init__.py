"""Drawings as SVG text, on NumPy alone: curves, bars, tables of counts, networks."""

from fastnn._svg._charts import Series, bars, counts, curves
from fastnn._svg._networks import Box, layers, neurons

__all__ = ["Box", "Series", "bars", "counts", "curves", "layers", "neurons"]
