"""Models: stacks and graphs of layers that can be trained as a whole."""

from __future__ import annotations

from fastnn.layers import Input
from fastnn.models._clone import clone_model
from fastnn.models._files import load_model
from fastnn.models._model import Model
from fastnn.models._sequential import Sequential

__all__ = ["Input", "Model", "Sequential", "clone_model", "load_model"]
