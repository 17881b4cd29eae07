"""Whether cost grows as its work: rows, files larger than memory, layers.

    python -m bench.scaling                      all of it (minutes)
    python -m bench.scaling rows map layers      some of it
    python -m bench.scaling rows --wide 7        10^7 rows of 784 bytes, 7.8 GB: five minutes

- ``rows``: time per sample of fit over 10^3, 10^4, ... rows, for the churn network and for rows of
  784 numbers (MNIST's MLP), whole epochs, in rounds over all sizes; medians. An epoch that takes
  longer than half a minute is run once.
- ``map``: trains from a memory-mapped file in a control group whose memory is a quarter of it, with
  an empty cache. Beside it the limits: the same rows trained on in memory, and the file read from
  end to end.
- ``layers``: seconds to compile a network of 1000 layers.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import fastnn
from bench import machine
from bench.frameworks._keras_like import sequential
from bench.peers import ROOT
from bench.workloads import WORKLOADS, Training
from fastnn.layers import Dense

PARTS = ("rows", "map", "layers")
TARGET = 0.4  # seconds of a turn, where an epoch is shorter
LONG = 30.0  # seconds of an epoch that is run once


def rows(largest: int, widest: int, rounds: int, threads: int) -> dict[str, dict[int, float]]:
    """Seconds per sample by the number of rows, for either network."""
    fastnn.set_num_threads(threads)
    results = {}
    for name, label in (("churn", "churn network"), ("mnist_mlp", "rows of 784")):
        workload = WORKLOADS[name]
        assert isinstance(workload, Training)
        network = workload.network
        # A byte a number for the wide rows, so that many fit.
        dtype = np.float32 if name == "churn" else np.uint8
        rng = np.random.default_rng(0)
        count = 10**largest if name == "churn" else 10**widest
        some = rng.integers(0, 2, (min(count, 10**5), *network.input_shape), np.uint8)
        x = np.resize(some.astype(dtype), (count, *network.input_shape))
        y = rng.integers(0, 2, (count, 1)).astype(np.float32)
        model = sequential(fastnn, network)
        taken: dict[int, list[float]] = {}
        for round_ in range(rounds + 1):
            for n in (10**k for k in range(3, len(str(count)))):
                known = taken.get(n) or taken.get(n // 10) or [1e-5]
                if round_ != 1 and n * known[-1] > LONG:
                    continue
                epochs = max(1, round(TARGET / (n * known[-1])))
                start = time.perf_counter()
                model.fit(x[:n], y[:n], batch_size=network.batch, epochs=epochs, verbose=0)
                seconds = (time.perf_counter() - start) / (epochs * n)
                taken.setdefault(n, []).append(seconds)
                if round_ == 1:
                    taken[n] = [seconds]  # the first turn warmed up
        results[label] = {n: statistics.median(t) for n, t in taken.items()}
    return results


@contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """A control group of this process's group, for children that may use ``limit`` bytes.

    Raises:
        OSError: if this machine permits none.
    """
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    groups = {name: path for _, name, path in (line.split(":", 2) for line in lines)}
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        own, file = root / groups[""].lstrip("/"), "memory.max"
    elif "memory" in groups:
        own, file = root / "memory" / groups["memory"].lstrip("/"), "memory.limit_in_bytes"
    else:
        raise OSError("no control group for memory")
    folder = own / f"fastnn-bench-{os.getpid()}"
    folder.mkdir()
    try:
        (folder / file).write_text(str(limit), encoding="utf-8")
        yield folder
    finally:
        folder.rmdir()


def memory_map(megabytes: int, threads: int) -> dict[str, Any]:
    """Trains from a file of that size with a quarter of it as memory; see `_train_mapped`."""
    with tempfile.TemporaryDirectory(
        dir=ROOT / "build" if (ROOT / "build").is_dir() else None
    ) as f:
        file = Path(f) / "rows.f32"
        count = megabytes * (1 << 20) // (4 * 784)
        rng = np.random.default_rng(0)
        with file.open("wb") as out:
            for start in range(0, count, 4096):
                rng.random((min(4096, count - start), 784), np.float32).tofile(out)
            out.flush()
            os.fsync(out.fileno())
        limit = megabytes * (1 << 20) // 4
        try:
            with memory_group(limit) as group:
                found = _child(file, threads, group)
        except OSError as error:
            found = _child(file, threads, None)
            found["no limit"] = str(error)
        return {"file MB": megabytes, "limit MB": limit >> 20, **found}


def _child(file: Path, threads: int, group: Path | None) -> dict[str, Any]:
    arguments = [str(file), str(threads), str(group or "")]
    done = subprocess.run(
        [sys.executable, "-m", "bench.scaling", "--mapped", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=180,
    )
    if done.returncode:
        raise RuntimeError(f"training ended with {done.returncode}: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _train_mapped(file: Path, threads: int, group: str) -> dict[str, float]:
    """In a process of its own, in the control group: rates of reading and training, and memory."""
    if group:
        (Path(group) / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")
    fastnn.set_num_threads(threads)
    size = file.stat().st_size
    x = np.memmap(file, np.float32, "r").reshape(-1, 784)
    y = (np.arange(len(x)) % 2).astype(np.float32)[:, None]
    # So small a network that the disk is what one waits for.
    model = fastnn.Sequential([Dense(16, activation="relu", input_dim=784), Dense(1)])
    model.compile("adam", "mse")
    model.fit(x[:4096], y[:4096], batch_size=256, verbose=0)
    reading, in_memory, shuffled, in_order = [], [], [], []
    private, times_read = [], []
    few = np.array(x[: (32 << 20) // x[:1].nbytes])
    for _ in range(4):
        start = time.perf_counter()
        model.fit(few, y[: len(few)], batch_size=256, epochs=4, verbose=0)
        in_memory.append(4 * few.nbytes / (time.perf_counter() - start))
        _forget(file)
        start = time.perf_counter()
        piece = bytearray(4 << 20)
        with file.open("rb", buffering=0) as f:
            while f.readinto(piece):
                pass
        reading.append(size / (time.perf_counter() - start))
        for rates in (shuffled, in_order):
            _forget(file)
            before = _read_bytes()
            start = time.perf_counter()
            model.fit(x, y, batch_size=256, shuffle=rates is shuffled, verbose=0)
            rates.append(size / (time.perf_counter() - start))
            times_read.append((_read_bytes() - before) / size)
        private.append(_private_bytes())
    return {
        "read GB/s": max(reading) / 1e9,
        "train in memory GB/s": max(in_memory) / 1e9,
        "train shuffled GB/s": max(shuffled) / 1e9,
        "train in order GB/s": max(in_order) / 1e9,
        "bytes read over the file's, in an epoch": max(times_read),
        "private MB after two epochs": private[0] / 1e6,
        "private MB after eight": private[-1] / 1e6,
    }


def _forget(file: Path) -> None:
    """Drops what the system has cached of a file."""
    descriptor = os.open(file, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def _read_bytes() -> int:
    """What this process has had read from disks."""
    for line in Path("/proc/self/io").read_text(encoding="utf-8").splitlines():
        if line.startswith("read_bytes"):
            return int(line.split()[1])
    return 0


def _private_bytes() -> int:
    """Memory of this process that is no file's."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    return 0


def layers(count: int = 1000) -> dict[str, float]:
    """Seconds to describe a network of that many layers, to compile it, and of a training step."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        model = fastnn.Sequential([fastnn.Input((8,))])
        for _ in range(count):
            model.add(Dense(8, activation="relu"))
        model.compile("adam", "mse")
        built = time.perf_counter()
        x = np.zeros((2, 8), np.float32)
        model.train_on_batch(x, x)
        first = time.perf_counter()
        model.train_on_batch(x, x)
        second = time.perf_counter() - first
        times.append((built - start, first - built - second, second))
    built, compiled, step = (min(t) for t in zip(*times, strict=True))
    return {"build": built, "compile": compiled, "a step": step}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.scaling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rows", type=int, default=7, help="up to 10^ROWS rows of 11 numbers")
    parser.add_argument("--wide", type=int, default=6, help="up to 10^WIDE rows of 784 bytes")
    parser.add_argument("--rounds", type=int, default=3, help="turns that count, after a first")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--megabytes", type=int, default=1024, help="of the mapped file")
    parser.add_argument("--mapped", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mapped:
        file, threads, group = options.mapped
        print(json.dumps(_train_mapped(Path(file), int(threads), group)))
        return
    parts = options.parts or PARTS
    facts = machine.facts()
    print(f"{facts['cpu']}, {facts['isa']}, threads: {options.threads}, {facts['date']}")
    if "rows" in parts:
        for label, taken in rows(
            options.rows, options.wide, options.rounds, options.threads
        ).items():
            text = ", ".join(f"10^{len(str(n)) - 1}: {1e9 * s:.1f}" for n, s in taken.items())
            ratio = max(taken.values()) / min(taken.values())
            print(f"{label}: ns a sample over rows: {text}; largest over smallest {ratio:.2f}")
    if "map" in parts:
        found = memory_map(options.megabytes, options.threads)
        print("memory map: " + ", ".join(
            f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in found.items()
        ))  # fmt: skip
    if "layers" in parts:
        print("1000 layers: " + ", ".join(f"{k} {s:.3g} s" for k, s in layers().items()))


if __name__ == "__main__":
    main()
