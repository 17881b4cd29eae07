"""Files: tensors with metadata (safetensors), read with every check and written in one step."""

from __future__ import annotations

import os
from typing import Any

from fastnn.io._errors import FastnnFormatError
from fastnn.io._state_dict import load_state_dict, state_dict
from fastnn.io._tensors import TensorFile, load_file, read_metadata, save_file


def export_onnx(model: Any, path: str | os.PathLike[str]) -> None:
    """Writes what a model predicts as an ONNX file; see :meth:`fastnn.Model.to_onnx`.

    Args:
        model: the model.
        path: the file.
    """
    model.to_onnx(path)


__all__ = [
    "FastnnFormatError",
    "TensorFile",
    "export_onnx",
    "load_file",
    "load_state_dict",
    "read_metadata",
    "save_file",
    "state_dict",
]
