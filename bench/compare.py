"""Takes turns between peers and prints medians and ratios, from one run on one machine.

python -m bench.compare churn [--peers numpy,torch] [--rounds 7] [--threads 1] [--json FILE]
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from bench.peers import PEERS, Worker

WORKLOADS = ("churn",)


def compare(
    workload: str, names: list[str], rounds: int, threads: int
) -> dict[str, dict[str, list[float]]]:
    """Seconds of every round: [measurement][peer and version]."""
    module = importlib.import_module(f"bench.{workload}")
    results: dict[str, dict[str, list[float]]] = {m: {} for m in module.MEASUREMENTS}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        data = Path(folder) / "data.npz"
        np.savez(data, **module.make_data())
        workers = [
            stack.enter_context(Worker(PEERS[name], workload, data, threads)) for name in names
        ]
        for measurement, taken in results.items():
            # The first round warms up: compilation, caches, clocks.
            for round_ in range(rounds + 1):
                for worker in workers:
                    seconds = worker.measure(measurement)
                    if round_ > 0:
                        title = f"{worker.peer.name} {worker.version}"
                        taken.setdefault(title, []).append(seconds)
    return results


def report(results: dict[str, dict[str, list[float]]]) -> None:
    """Prints a table a measurement, its first row being what the others are compared with."""
    for measurement, taken in results.items():
        print(f"\n{measurement}")
        first = statistics.median(next(iter(taken.values())))
        for title, seconds in taken.items():
            median = statistics.median(seconds)
            spread = f"{1e6 * min(seconds):.2f} to {1e6 * max(seconds):.2f}"
            print(f"  {title:32}{1e6 * median:12.2f} µs  ({spread}){median / first:10.1f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--peers", help="with commas between (default: all that are installed)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's seconds")
    arguments = parser.parse_args()
    names = ["fastnn"]
    if arguments.peers:
        names += [name for name in arguments.peers.split(",") if name != "fastnn"]
    else:
        names += [name for name, peer in PEERS.items() if peer.venv and peer.python.exists()]
    results = compare(arguments.workload, names, arguments.rounds, arguments.threads)
    print(
        f"{platform.machine()}, threads: {arguments.threads}, medians of {arguments.rounds} rounds"
    )
    report(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
