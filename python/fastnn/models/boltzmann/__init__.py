"""Boltzmann machines: restricted ones, and networks stacked from them."""

from __future__ import annotations

from fastnn.models.boltzmann._dbm import DBM
from fastnn.models.boltzmann._dbn import DBN
from fastnn.models.boltzmann._partition import LogPartition
from fastnn.models.boltzmann._rbm import RBM

__all__ = ["DBM", "DBN", "RBM", "LogPartition"]
