"""Files: tensors with metadata (safetensors), read with every check and written in one step."""

from __future__ import annotations

from fastnn.io._errors import FastnnFormatError
from fastnn.io._tensors import TensorFile, load_file, read_metadata, save_file

__all__ = ["FastnnFormatError", "TensorFile", "load_file", "read_metadata", "save_file"]
