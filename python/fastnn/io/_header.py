"""The header of a safetensors file: written, and checked in full before anything is allocated.

Source: https://huggingface.co/docs/safetensors, "Format". Eight bytes give the header's length,
little-endian; then come the header, as JSON, and the tensors without gaps in C order.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastnn.io._errors import FastnnFormatError

LIMIT = 100_000_000  # bytes of header, as in the reference implementation
TENSORS = 100_000
RANK = 32
METADATA = "__metadata__"
DIGEST = "fastnn.digest"

# Name in the file: NumPy's dtype, bytes. bfloat16, which NumPy lacks, is read as float32.
DTYPES: dict[str, tuple[str, int]] = {
    "BOOL": ("|b1", 1),
    "U8": ("|u1", 1),
    "I8": ("|i1", 1),
    "U16": ("<u2", 2),
    "I16": ("<i2", 2),
    "F16": ("<f2", 2),
    "BF16": ("<u2", 2),
    "U32": ("<u4", 4),
    "I32": ("<i4", 4),
    "F32": ("<f4", 4),
    "U64": ("<u8", 8),
    "I64": ("<i8", 8),
    "F64": ("<f8", 8),
}
NAMES = {dtype: name for name, (dtype, _) in DTYPES.items() if name != "BF16"}


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies.

    Attributes:
        dtype: its name in the file.
        shape: its sizes.
        start: its first byte, counted from the end of the header.
        stop: the byte behind its last.
    """

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def parse(header: bytes, data_bytes: int) -> tuple[dict[str, Entry], dict[str, str]]:
    """The tensors and the metadata of a header.

    Args:
        header: the JSON text, with its padding.
        data_bytes: how many bytes follow it in the file.

    Raises:
        FastnnFormatError: for anything that the format does not allow.
    """
    if not header.startswith(b"{"):
        raise FastnnFormatError("the header does not begin with '{'")
    content = strict_json(header, "the header")
    metadata = content.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FastnnFormatError("expected the metadata to map text to text")
    if len(content) > TENSORS:
        raise FastnnFormatError(f"expected at most {TENSORS} tensors, got {len(content)}")
    entries = {name: _entry(name, value) for name, value in content.items()}
    _check_layout(entries, data_bytes)
    _check_digest(header, metadata)
    return entries, metadata


def _entry(name: str, value: Any) -> Entry:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise FastnnFormatError(f"tensor {name!r}: expected dtype, shape and data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        known = ", ".join(DTYPES)
        raise FastnnFormatError(f"tensor {name!r}: expected a dtype of {known}, got {dtype!r}")
    if not _counts(shape) or len(shape) > RANK:
        raise FastnnFormatError(f"tensor {name!r}: expected at most {RANK} sizes as its shape")
    if not _counts(offsets) or len(offsets) != 2:
        raise FastnnFormatError(f"tensor {name!r}: expected two offsets")
    start, stop = offsets
    wanted = math.prod(shape) * DTYPES[dtype][1]
    if stop - start != wanted:
        raise FastnnFormatError(
            f"tensor {name!r}: shape {tuple(shape)} of {dtype} takes {wanted} bytes, the offsets "
            f"span {stop - start}"
        )
    return Entry(dtype, tuple(shape), start, stop)


def _counts(value: Any) -> bool:
    """Whether this is a list of whole numbers from 0 up to what 64 bits hold."""
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 2**63 for n in value)


def _check_layout(entries: Mapping[str, Entry], data_bytes: int) -> None:
    """Tensors fill the data without gap or overlap, up to its last byte."""
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != end:
            what = "overlaps another" if entry.start < end else "leaves a gap before it"
            raise FastnnFormatError(f"tensor {name!r} {what}: it begins at byte {entry.start}")
        end = entry.stop
    if end != data_bytes:
        raise FastnnFormatError(
            f"the tensors take {end} bytes, the file has {data_bytes} for them: it is cut off or "
            "has been added to"
        )


def _check_digest(header: bytes, metadata: Mapping[str, str]) -> None:
    """Files of fastnn carry a checksum of their header, in which a flipped bit shows."""
    digest = metadata.get(DIGEST)
    if digest is None:
        return
    if len(digest) != 64 or not digest.isascii() or header.count(digest.encode()) != 1:
        raise FastnnFormatError("the header's checksum is damaged")
    if digest_of(header.replace(digest.encode(), b"0" * 64)) != digest:
        raise FastnnFormatError("the header does not fit its checksum: the file is damaged")


def digest_of(header: bytes) -> str:
    """The checksum of a header in which that of the checksum itself is 64 zeros."""
    return hashlib.sha256(header).hexdigest()


def build(entries: Mapping[str, Entry], metadata: Mapping[str, str]) -> bytes:
    """The first bytes of a file: the header's length, and the header, padded to eight bytes."""
    # The checksum comes first, so that its 64 zeros are the first ones.
    content: dict[str, Any] = {METADATA: {DIGEST: "0" * 64, **metadata}}
    for name, entry in entries.items():
        content[name] = {
            "dtype": entry.dtype,
            "shape": list(entry.shape),
            "data_offsets": [entry.start, entry.stop],
        }
    header = json.dumps(content, separators=(",", ":"), ensure_ascii=True).encode()
    header += b" " * (-len(header) % 8)
    if len(header) > LIMIT:
        raise ValueError(
            f"expected names and metadata of at most {LIMIT} bytes in all, got {len(header)}"
        )
    filled = header.replace(b"0" * 64, digest_of(header).encode(), 1)
    return len(header).to_bytes(8, "little") + filled


def strict_json(text: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object; names that appear twice, and nesting without end, are refused.

    Args:
        text: the JSON.
        what: what error messages call it.

    Raises:
        FastnnFormatError: for anything else.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise FastnnFormatError(f"{what} has a name twice")
        return found

    try:
        content = json.loads(text, object_pairs_hook=unique)
    except FastnnFormatError:
        raise
    except RecursionError:
        raise FastnnFormatError(f"{what} is nested too deeply") from None
    except ValueError as error:
        raise FastnnFormatError(f"{what} is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise FastnnFormatError(f"expected {what} to be a JSON object")
    return content
