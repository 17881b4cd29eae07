"""Drawings as SVG text, on NumPy alone: curves, bars, tables of counts, networks."""

from fastnn._svg._charts import Series, bars, counts, curves
from fastnn._svg._networks import layers, neurons

__all__ = ["Series", "bars", "counts", "curves", "layers", "neurons"]
