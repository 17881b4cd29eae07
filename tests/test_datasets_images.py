"""IDX files and the image sets made of them: what is read, found, and refused."""

from __future__ import annotations

import gzip
import math
import struct
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from fastnn.datasets import digits, fashion_mnist, mnist, read_idx, shakespeare

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def header(code: int, *sizes: int) -> bytes:
    return bytes([0, 0, code, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


def idx(array: np.ndarray) -> bytes:
    kind = array.dtype.str[1:]
    return header(CODES[kind], *array.shape) + array.astype(f">{kind}").tobytes()


def write(folder: Path, content: bytes) -> Path:
    path = folder / "array"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("shape", [(7,), (3, 1, 5), (0,), (4, 0, 2), (2, 1, 3, 1, 2)])
def test_read_idx(tmp_path, kind, shape, compressed):
    array = (np.arange(math.prod(shape)) * 11 % 120).reshape(shape).astype(kind)
    content = idx(array)
    got = read_idx(write(tmp_path, gzip.compress(content) if compressed else content))
    assert got.dtype == np.dtype(kind)
    assert got.dtype.isnative
    assert got.shape == shape
    np.testing.assert_array_equal(got, array)
    got.fill(1)  # the caller's own


GOOD = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
PACKED = gzip.compress(GOOD)
# Thousands of bytes each, so that what is damaged lies within the numbers.
NOISE = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)
NOISY = gzip.compress(idx(NOISE))
REFUSED = {
    "empty": (b"", "expected an IDX file, got one of 0 bytes"),
    "short magic": (b"\0\0\x08", "got one of 3 bytes"),
    "text": (b"hello, world", "which begins with 00 00, .* got 68 65 6c 6c"),
    "type": (b"\0\0\x0a\x01" + bytes(8), "got 00 00 0a 01"),
    "no axes": (b"\0\0\x08\0" + bytes(8), "got 00 00 08 00"),
    "cut sizes": (GOOD[:9], "ends within the sizes of its 3 axes"),
    "cut": (GOOD[:-1], r"expected 24 bytes behind the header, whose shape is \(2, 3, 4\), got 23"),
    "longer": (GOOD + b"\0", "expected 24 bytes .* got 25"),
    "claims 2**96": (header(8, *[2**32 - 1] * 3) + bytes(99), "expected at most 2147483648 bytes"),
    "claims 2**30": (header(8, 2**30) + bytes(99), "expected 1073741824 bytes .* got 99"),
    "255 axes": (bytes([0, 0, 8, 255]) + bytes(4 * 255), "at most 32 axes, got 255"),
    "gzip: header only": (PACKED[:5], "gzip compression is damaged"),
    "gzip: cut": (NOISY[:-100], "gzip compression is damaged"),
    "gzip: cut sum": (PACKED[:-4], "gzip compression is damaged"),
    "gzip: wrong sum": (PACKED[:-8] + bytes(4) + PACKED[-4:], "damaged: CRC check failed"),
    "gzip: wrong byte": (NOISY[:3000] + b"\xff\0\xff\0" + NOISY[3004:], "damaged"),
    "gzip: behind it": (PACKED + b"rubbish", "gzip compression is damaged"),
    "gzip: wrong method": (b"\x1f\x8b\x05" + PACKED[3:], "gzip compression is damaged"),
    "gzip: shorter inside": (gzip.compress(GOOD[:-1]), "expected 24 bytes .* got 23"),
    "gzip: longer inside": (gzip.compress(GOOD + b"\0"), "expected 24 bytes .* got more"),
    "gzip: text": (gzip.compress(b"hello, world"), "got 68 65 6c 6c"),
    "gzip: claims 2**30": (gzip.compress(header(8, 2**30)), "got at most "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_read_idx_refuses(tmp_path, case):
    content, message = REFUSED[case]
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("compressed", [False, True])
def test_whatever_is_damaged_is_refused_or_read_as_it_says(tmp_path, compressed):
    # Bytes changed, cut out, doubled and appended, 400 times: an array or a ValueError comes.
    rng = np.random.default_rng(11)
    good = NOISY if compressed else idx(NOISE.reshape(50, 10, 10))
    messages = []
    for _ in range(400):
        content = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            # Half of the changes hit the header, where they do most.
            at = int(rng.integers(0, 20 if rng.integers(2) else len(content)))
            kind = rng.integers(4)
            if kind == 0:
                content[at] = rng.integers(256)
            elif kind == 1:
                del content[at : at + int(rng.integers(1, 50))]
            elif kind == 2:
                content[at:at] = content[at : at + int(rng.integers(1, 50))]
            else:
                content += bytes(rng.integers(0, 256, rng.integers(1, 9), dtype=np.uint8))
        try:
            got = read_idx(write(tmp_path, bytes(content)))
        except ValueError as error:
            messages.append(str(error))
        else:
            assert got.nbytes <= len(content) * 1032
    assert len(messages) > 200
    assert all(str(tmp_path) in message for message in messages)


def test_a_bomb_is_read_no_further_than_its_header_says(tmp_path):
    # 3 bytes of numbers, then 100 MB of zeros in 400 kB.
    path = tmp_path / "bomb"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header(8, 3))
        zeros = bytes(1 << 20)
        for _ in range(100):
            file.write(zeros)
    with pytest.raises(ValueError, match=r"expected 3 bytes .* got more"):
        read_idx(path)


def test_read_idx_expects_a_shape(tmp_path):
    path = write(tmp_path, GOOD)
    assert read_idx(path, (None, 3, 4)).shape == (2, 3, 4)
    with pytest.raises(
        ValueError, match=r"expected an array of shape \(any, 4, 4\), got \(2, 3, 4\)"
    ):
        read_idx(path, (None, 4, 4))
    with pytest.raises(ValueError, match=r"expected an array of shape \(2\), got"):
        read_idx(path, (2,))
    with pytest.raises(ValueError, match="at most 23 bytes of numbers, got 24"):
        read_idx(path, max_bytes=23)
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")


@pytest.fixture
def sparse(tmp_path) -> Path:
    """A folder of four right files: zeros that take no room on the disk."""
    for name, count in zip(NAMES, (60_000, 60_000, 10_000, 10_000), strict=True):
        sizes = (count, 28, 28) if "images" in name else (count,)
        with (tmp_path / f"{name}-ubyte").open("wb") as file:
            file.write(header(8, *sizes))
            file.truncate(file.tell() + math.prod(sizes))
    return tmp_path


def shapes(data: object) -> list[tuple[int, ...]]:
    return [array.shape for part in data for array in part]


SHAPES = [(60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,)]


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
def test_a_folder_is_read(sparse, module):
    assert shapes(module.load_data(sparse)) == SHAPES
    assert shapes(module.load_data(str(sparse))) == SHAPES


@pytest.mark.parametrize(
    ("module", "place"),
    [
        (mnist, "mnist"),
        (mnist, "MNIST/raw"),
        (mnist, "."),
        (fashion_mnist, "fashion_mnist"),
        (fashion_mnist, "fashion-mnist"),
        (fashion_mnist, "FashionMNIST/raw"),
    ],
)
def test_folders_of_the_environment_variable(tmp_path, sparse, module, place, monkeypatch):
    root = tmp_path / "data"
    (root / place).mkdir(parents=True)
    for name in NAMES:
        (sparse / f"{name}-ubyte").rename(root / place / f"{name}-ubyte")
    monkeypatch.setenv("FASTNN_DATA", str(root))
    assert shapes(module.load_data()) == SHAPES


def test_mnist_is_not_taken_for_fashion(sparse, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setenv("FASTNN_DATA", str(sparse))
    assert shapes(mnist.load_data()) == SHAPES
    with pytest.raises(FileNotFoundError, match="fashion_mnist"):
        fashion_mnist.load_data()


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
@pytest.mark.parametrize("root", [None, "", "here"])
def test_no_data_and_no_pooch_say_all_three_ways(tmp_path, module, root, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    if root is None:
        monkeypatch.delenv("FASTNN_DATA", raising=False)
    else:
        monkeypatch.setenv("FASTNN_DATA", root and str(tmp_path))
    with pytest.raises(FileNotFoundError) as caught:
        module.load_data()
    for part in ("train-images-idx3-ubyte", "as path", "FASTNN_DATA", "'fastnn[download]'"):
        assert part in str(caught.value)


def test_an_incomplete_folder_is_an_error(sparse, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    (sparse / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"neither t10k-labels-idx1-ubyte\.gz nor"):
        mnist.load_data(sparse)
    monkeypatch.setenv("FASTNN_DATA", str(sparse))
    with pytest.raises(FileNotFoundError, match=r"neither t10k-labels-idx1-ubyte\.gz nor"):
        mnist.load_data()
    with pytest.raises(FileNotFoundError, match="is no folder"):
        mnist.load_data(sparse / "train-images-idx3-ubyte")


def test_a_download_is_checked_by_its_sum(sparse, monkeypatch):
    asked = []

    def retrieve(url: str, known_hash: str, fname: str, path: Path) -> str:
        asked.append((url, known_hash))
        assert url.startswith("https://")
        assert url.endswith("/" + fname)
        assert path == Path("cache/fashion_mnist")
        return str(sparse / fname.removesuffix(".gz"))

    fake = types.SimpleNamespace(retrieve=retrieve, os_cache=lambda _: Path("cache"))
    monkeypatch.setitem(sys.modules, "pooch", fake)
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    assert shapes(fashion_mnist.load_data()) == SHAPES
    assert len(asked) == 4
    assert len({known for _, known in asked}) == 4
    assert all(len(known) == len("md5:") + 32 for _, known in asked)


def test_a_download_that_fails_says_so_and_what_else_there_is(monkeypatch):
    def retrieve(url: str, *_: object, **__: object) -> str:
        raise ConnectionError("no route to host")

    fake = types.SimpleNamespace(retrieve=retrieve, os_cache=lambda _: Path("cache"))
    monkeypatch.setitem(sys.modules, "pooch", fake)
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    for call in (mnist.load_data, fashion_mnist.load_data, shakespeare.load_text):
        with pytest.raises(
            FileNotFoundError, match=r"that was tried, and https://.* no route"
        ) as c:
            call()
        assert "FASTNN_DATA" in str(c.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "train-images-idx3",
            idx(np.zeros((5, 28, 28), np.uint8)),
            r"shape \(60000, 28, 28\), got",
        ),
        ("t10k-images-idx3", idx(np.zeros((1, 2), np.uint8)), r"\(10000, 28, 28\), got \(1, 2\)"),
        ("t10k-labels-idx1", idx(np.full(10_000, 10, np.uint8)), "labels 0 to 9, got 10 at 0"),
        ("t10k-labels-idx1", idx(np.zeros(10_000, np.int16)), "expected unsigned bytes, got int16"),
        ("t10k-labels-idx1", idx(np.zeros(9_999, np.uint8)), r"\(10000\), got \(9999,\)"),
    ],
)
def test_other_contents_are_refused(sparse, name, content, message):
    (sparse / f"{name}-ubyte").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        mnist.load_data(sparse)


def test_mnist_as_published(data_folder):
    if not (data_folder / "mnist").is_dir():
        pytest.skip(f"no MNIST in {data_folder}")
    (x, y), (x_test, y_test) = mnist.load_data(data_folder / "mnist")
    assert shapes([(x, y), (x_test, y_test)]) == SHAPES
    assert {a.dtype for a in (x, y, x_test, y_test)} == {np.dtype("uint8")}
    assert y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(y).tolist() == counts
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # The mean and deviation that everyone normalises by.
    assert x.mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    assert x.std() / 255 == pytest.approx(0.3081, abs=1e-4)
    assert x_test.mean() / 255 == pytest.approx(0.1325, abs=1e-4)


def test_digits():
    pytest.importorskip("sklearn")
    (x, y), (x_test, y_test) = digits.load_data()
    assert shapes([(x, y), (x_test, y_test)]) == [(1437, 8, 8), (1437,), (360, 8, 8), (360,)]
    assert (x.min(), x.max()) == (0, 16)
    assert {a.dtype for a in (x, y, x_test, y_test)} == {np.dtype("uint8")}
    every = np.bincount(np.concatenate([y, y_test]))
    assert every.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    (again, _), _ = digits.load_data()
    np.testing.assert_array_equal(again, x)
    (other, _), _ = digits.load_data(seed=1)
    assert not np.array_equal(other, x)


def test_digits_in_their_order():
    datasets = pytest.importorskip("sklearn.datasets")
    bunch = datasets.load_digits()
    (x, y), (x_test, y_test) = digits.load_data(test_size=0.5, seed=None)
    np.testing.assert_array_equal(np.concatenate([x, x_test]), bunch.images)
    np.testing.assert_array_equal(np.concatenate([y, y_test]), bunch.target)
    assert len(y) == 898


def test_digits_refuse(monkeypatch):
    for size in (0, 1, -0.5, float("nan")):
        with pytest.raises(ValueError, match="test_size between 0 and 1"):
            digits.load_data(test_size=size)
    with pytest.raises(ValueError, match="seed of 0 to"):
        digits.load_data(seed=-1)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"fastnn\[sklearn\]"):
        digits.load_data()
