"""Networks given neuron by neuron."""

from __future__ import annotations

from fastnn.models.neurons._graph import NeuronGraph

__all__ = ["NeuronGraph"]
