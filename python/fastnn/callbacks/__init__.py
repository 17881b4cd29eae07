"""Callbacks: code at the seams of training, evaluation and prediction."""

from __future__ import annotations

from fastnn.callbacks._base import Callback, CallbackList
from fastnn.callbacks._checkpoints import BackupAndRestore, ModelCheckpoint
from fastnn.callbacks._control import (
    EarlyStopping,
    LearningRateScheduler,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from fastnn.callbacks._progbar import ProgbarLogger
from fastnn.callbacks._records import CSVLogger, History, LambdaCallback
from fastnn.callbacks._tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]
