"""Safetensors files: written in one step, and read with nothing taken on trust."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest

from fastnn import io
from fastnn.io import FastnnFormatError
from fastnn.io._header import DIGEST

ARRAYS = {
    "scalar": np.float64(2.5),
    "empty": np.zeros((0, 3), "float32"),
    "row": np.arange(5, dtype="int64"),
    "bytes": np.arange(7, dtype="uint8"),
    "half": np.ones((2, 2), "float16"),
    "truth": np.array([True, False, True]),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "big-endian": np.arange(4, dtype=">f4"),
}


def raw(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    """A file from a header (text, bytes or plain data) and its data."""
    text = header if isinstance(header, (str, bytes)) else json.dumps(header)
    text = text.encode() if isinstance(text, str) else text
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_arrays_come_back_as_they_were(tmp_path):
    path = tmp_path / "a.safetensors"
    io.save_file(ARRAYS, path, {"unit": "metre"})
    found = io.load_file(path)
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == np.asarray(array).dtype.newbyteorder("="), name
        assert found[name].shape == np.shape(array), name
        np.testing.assert_array_equal(found[name], array)
        assert not found[name].flags.writeable or found[name].size == 0
    assert io.read_metadata(path)["unit"] == "metre"


def test_a_file_without_tensors(tmp_path):
    path = tmp_path / "a.safetensors"
    io.save_file({}, path)
    assert io.load_file(path) == {}


def test_the_library_reads_ours_and_we_read_its(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    ours, its = tmp_path / "ours.safetensors", tmp_path / "its.safetensors"
    arrays = {name: np.ascontiguousarray(a) for name, a in ARRAYS.items() if name != "big-endian"}
    io.save_file(arrays, ours, {"a": "b"})
    library.save_file(arrays, its, {"a": "b"})
    for found in (library.load_file(ours), io.load_file(its)):
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
    assert io.read_metadata(its) == {"a": "b"}


def test_bfloat16_is_read_as_float32(tmp_path):
    path = tmp_path / "a.safetensors"
    bits = np.array([0x3F80, 0xC000], "<u2")
    path.write_bytes(raw({"a": entry("BF16", (2,))}, bits.tobytes()))
    np.testing.assert_array_equal(io.load_file(path)["a"], np.array([1.0, -2.0], "float32"))


ONE = np.ones(1, "float32").tobytes()
BAD = {
    "empty file": b"",
    "seven bytes": b"\0" * 7,
    "header longer than the file": raw("{}", length=3),
    "header of 2**63 bytes": raw("{}", length=2**63),
    "header above the limit": raw("{}", length=100_000_001),
    "no JSON": raw("{"),
    "not UTF-8": raw(b'{"\xff": 1}'),
    "a list": raw("[]"),
    "space before the brace": raw(" {}"),
    "something behind the object": raw('{} "a"'),
    "a name twice": raw(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        '"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', ONE
    ),
    "a key twice in an entry": raw(
        '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', ONE
    ),
    "nested without end": raw('{"a":' + "[" * 100_000 + "]" * 100_000 + "}"),
    "a number without end": raw('{"a":{"dtype":"F32","shape":[' + "9" * 10_000 + "]}}"),
    "metadata with a number": raw({"__metadata__": {"a": 1}}),
    "metadata as a list": raw({"__metadata__": []}),
    "an entry that is a number": raw({"a": 1}),
    "an entry without offsets": raw({"a": {"dtype": "F32", "shape": [1]}}, ONE),
    "an entry with more": raw({"a": {**entry(), "more": 1}}, ONE),
    "unknown dtype": raw({"a": entry("F31")}, ONE),
    "dtype as a number": raw({"a": {**entry(), "dtype": 32}}, ONE),
    "negative size": raw({"a": entry(shape=(-1, -1))}, ONE),
    "size as a float": raw({"a": entry(shape=(1.0,))}, ONE),
    "size as a truth value": raw({"a": {**entry(), "shape": [True]}}, ONE),
    "sizes whose product wraps to 0": raw({"a": entry(shape=(2**32, 2**32), offsets=(0, 0))}),
    "a size beyond 64 bits": raw({"a": entry(shape=(2**64,), offsets=(0, 0))}),
    "rank 33": raw({"a": entry(shape=(1,) * 33)}, ONE),
    "offsets the wrong way round": raw({"a": entry(offsets=(4, 0))}, ONE),
    "three offsets": raw({"a": entry(offsets=(0, 4, 4))}, ONE),
    "offsets that span too much": raw({"a": entry(offsets=(0, 8))}, ONE * 2),
    "overlap": raw({"a": entry(), "b": entry()}, ONE),
    "gap": raw({"a": entry(), "b": entry(offsets=(8, 12))}, ONE * 3),
    "does not begin at 0": raw({"a": entry(offsets=(4, 8))}, ONE * 2),
    "bytes behind the last tensor": raw({"a": entry()}, ONE + b"\0"),
    "data cut off": raw({"a": entry()}, ONE[:3]),
    "a terabyte that is not there": raw({"a": entry(shape=(2**38,), offsets=(0, 2**40))}, ONE),
}  # fmt: skip


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_what_the_format_does_not_allow_is_refused(tmp_path, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(FastnnFormatError, match=re.escape(str(path))):
            io.load_file(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000 + 40 * len(content)


def test_too_many_tensors_are_refused(tmp_path):
    path = tmp_path / "many.safetensors"
    many = {str(i): entry(shape=(0,), offsets=(0, 0)) for i in range(100_001)}
    path.write_bytes(raw(many))
    with pytest.raises(FastnnFormatError, match="at most 100000 tensors, got 100001"):
        io.load_file(path)


def test_truth_values_other_than_0_and_1_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(raw({"a": entry("BOOL", (2,), (0, 2))}, b"\1\2"))
    with pytest.raises(FastnnFormatError, match="BOOL"):
        io.load_file(path)


def test_a_flipped_byte_of_the_header_shows(tmp_path):
    path = tmp_path / "a.safetensors"
    io.save_file({"weight": np.ones(3)}, path, {"unit": "metre"})
    good = path.read_bytes()
    for position in range(good.index(b'"weight"') + 1, good.index(b'"weight"') + 7):
        damaged = bytearray(good)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(FastnnFormatError, match="checksum"):
            io.load_file(path)
    assert DIGEST.encode() in good


def test_names_that_look_like_the_checksum_do_no_harm(tmp_path):
    path = tmp_path / "a.safetensors"
    io.save_file({"0" * 64: np.ones(2)}, path, {"0" * 64: "0" * 64})
    assert list(io.load_file(path)) == ["0" * 64]


@pytest.mark.parametrize("value", [np.array(["a"]), np.array([1j]), np.array([None])])
def test_arrays_that_the_format_has_no_dtype_for(tmp_path, value):
    with pytest.raises(ValueError, match="tensor 'a' of dtype"):
        io.save_file({"a": value}, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


# --- writing


def test_a_symbolic_link_stays_one(tmp_path):
    real, link = tmp_path / "real.safetensors", tmp_path / "link.safetensors"
    io.save_file({"a": np.zeros(1)}, real)
    link.symlink_to(real)
    io.save_file({"a": np.ones(1)}, link)
    assert link.is_symlink()
    np.testing.assert_array_equal(io.load_file(real)["a"], [1.0])


def test_permissions_are_those_of_the_old_file_or_of_any_new_one(tmp_path):
    path, plain = tmp_path / "a.safetensors", tmp_path / "plain"
    io.save_file({}, path)
    plain.write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    path.chmod(0o640)
    io.save_file({}, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["folder", "missing/a.safetensors", "pipe"])
def test_targets_that_cannot_be_written(tmp_path, target):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=re.escape(str(tmp_path))):
        io.save_file({"a": np.zeros(1)}, tmp_path / target)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "pipe"]


def test_what_killed_processes_left_is_removed(tmp_path):
    path = tmp_path / "a[1].safetensors"
    left = tmp_path / f".{path.name}.0123456789ab.tmp"
    left.write_bytes(b"half")
    io.save_file({}, path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_may_write_one_file_at_once(tmp_path):
    path = tmp_path / "a.safetensors"
    children = []
    for number in range(4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the child only writes
            child = os.fork()
        if child == 0:
            try:
                for _ in range(25):
                    io.save_file({"a": np.full(1000, number)}, path)
            except BaseException:
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert len(set(io.load_file(path)["a"])) == 1
    assert list(tmp_path.iterdir()) == [path]


LIMITED = """
import os, resource, sys
import numpy as np
from fastnn import io
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
elif os.getuid() == 0:
    os.setuid(65534)
try:
    io.save_file({"a": np.ones(4096)}, sys.argv[1])
except OSError as error:
    print(error.errno, error)
"""


@pytest.mark.parametrize("what", ["full", "read-only"])
def test_a_full_disk_and_a_read_only_folder_leave_the_old_file(tmp_path, what):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "a.safetensors"
    io.save_file({"a": np.zeros(3)}, path)
    before = path.read_bytes()
    for parent in [tmp_path, *tmp_path.parents][:3]:
        if parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    folder.chmod(0o555)
    command = [sys.executable, "-c", LIMITED, str(path), what]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    folder.chmod(0o755)
    expected = errno.EFBIG if what == "full" else errno.EACCES
    if what == "full" and os.getuid() != 0:
        expected = errno.EACCES  # the folder is read-only to this user as well
    assert done.stdout.split()[:1] == [str(expected)], done.stderr
    assert str(folder) in done.stdout
    assert path.read_bytes() == before
    assert list(folder.iterdir()) == [path]
