"""``python -m bench.gpu``: see the package's docstring."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import bench.gpu
import fastnn
from bench import machine
from bench.gpu import kernels, peer, table, training
from bench.gpu.turns import in_turns

RESULTS = Path(__file__).resolve().parent.parent / "results"
PARTS = ("churn", "matmul", "memory", "mnist_mlp", "autoencoder", "lstm", "cnn")
WAYS = (*training.OURS, *peer.WAYS)


class Run:
    """One run; what it has found is written after every case.

    Args:
        options: of the command line.
        command: for the results.
    """

    def __init__(self, options: argparse.Namespace, command: str) -> None:
        self.options = options
        self.end = time.monotonic() + 60 * options.minutes
        device = fastnn._core.device_description("cuda")
        self.file = options.out / f"gpu-{re.sub(r'[^a-z0-9]+', '-', device.lower()).strip('-')}"
        self.found: dict[str, Any] = {
            "machine": {"device": device, **machine.facts(), **peer.set_up()},
            "command": command,
            "rounds": options.rounds,
            "parts": {},
            "left_out": [],
        }

    def keep(self) -> None:
        """Writes it: a run that is broken off is not lost."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.found, indent=1) + "\n"
        self.file.with_suffix(".json").write_text(text, encoding="utf-8")
        self.file.with_suffix(".md").write_text(table.text(self.found), encoding="utf-8")

    def measure(self, part: str, case: str, make: Any, **facts: Any) -> None:
        """Adds one case: ``make()`` gives its ways."""
        if time.monotonic() > self.end:
            self.found["left_out"].append(f"{part} {case}")
            return
        began = time.monotonic()
        ways = in_turns(make(), self.options.rounds, self.options.seconds)
        row = {"case": case, **facts, "ways": ways}
        self.found["parts"].setdefault(part, []).append(row)
        self.keep()
        shown = table.text({**self.found, "parts": {part: [row]}, "left_out": []})
        print(shown.split("\n## ")[1], f"({time.monotonic() - began:.0f} s)", sep="", flush=True)

    def networks(self, name: str) -> None:
        case = training.Case(name, self.options.rows)
        for batch in case.batches(self.options.batches):
            self.measure(
                name,
                f"batch {batch}",
                lambda batch=batch: case.ways(batch, self.options.ways),
                units=case.steps(batch),
                data=case.source,
            )

    def matmul(self) -> None:
        for n in self.options.products:
            steps = kernels.product_steps(n, self.options.steps)
            ways = {"fastnn": lambda n=n, steps=steps: kernels.product(n, steps)}
            if peer.missing is None:
                ways["cuBLAS"] = lambda n=n, steps=steps: peer.product(n, kernels.CHAIN, steps)
            self.measure(
                "matmul",
                f"{n} x {n} x {n}",
                lambda ways=ways: ways,
                units=kernels.CHAIN * steps,
                flops=2.0 * n**3,
            )

    def memory(self) -> None:
        rows = self.options.memory_rows
        copy = kernels.copy_bandwidth(4096 * rows)
        for name in kernels.PASSES:
            steps = kernels.pass_steps(name, rows, self.options.steps)
            ways = {"fastnn": lambda name=name, steps=steps: kernels.passes(name, rows, steps)}
            self.measure(
                "memory",
                name,
                lambda ways=ways: ways,
                units=steps,
                bytes=kernels.pass_bytes(name, rows),
                copy_rate=copy,
            )

    def all(self) -> None:
        for part in self.options.parts:
            if part == "matmul":
                self.matmul()
            elif part == "memory":
                self.memory()
            else:
                self.networks(part)
        self.keep()


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in text.split(","))


def main(arguments: list[str] | None = None) -> Path:
    parser = argparse.ArgumentParser(
        prog="python -m bench.gpu", description=bench.gpu.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--batches", type=numbers, default=training.BATCHES)
    parser.add_argument("--products", type=numbers, default=kernels.PRODUCTS)
    parser.add_argument("--rows", type=int, default=training.ROWS, help="of the networks' data")
    parser.add_argument("--memory-rows", type=int, default=1 << 14, help="of 1024 numbers")
    parser.add_argument("--steps", type=int, default=100, help="of a call of kernels, at most")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a turn")
    parser.add_argument("--minutes", type=float, default=5.5, help="after which no case begins")
    parser.add_argument("--without", default="", help=f"some of {', '.join(WAYS)}")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args(arguments)
    options.parts = options.parts or list(PARTS)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"parts: expected some of {', '.join(PARTS)}, got {', '.join(unknown)}")
    options.ways = tuple(w for w in WAYS if w not in options.without.split(","))
    if folder := os.environ.get("FASTNN_CUDA_BUILD"):
        fastnn.__path__.append(folder)
    fastnn.set_device("cuda")
    given = sys.argv[1:] if arguments is None else arguments
    run = Run(options, " ".join(["python -m bench.gpu", *given]))
    try:
        run.all()
    finally:
        fastnn.set_device("cpu")
    return run.file


if __name__ == "__main__":
    print(f"written: {main()}.json and .md")
