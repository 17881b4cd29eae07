"""Whole workloads against other frameworks, in turns, in one run on one machine.

    python -m bench.compare                                   lists workloads and peers
    python -m bench.compare churn mnist_mlp --peers torch,jax --threads 2
    python -m bench.compare --all --json bench/results/compare.json

Each peer is a process in a virtual environment of its own (see `bench.peers`), on the same data,
batches and first weights. Rounds take turns (A B A B ...); who is not at turn is stopped. What each
has learned after the same epochs stands beside its times. A peer that fails is reported.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from bench import imports, machine, report
from bench.networks import loss_and_accuracy
from bench.peers import PEERS
from bench.process import PeerError, Worker
from bench.workloads import WORKLOADS, Imports, Products, Training, Workload

ROUNDS, SECONDS = 5, 0.15
SLOW = 3  # rounds of a peer whose turn lasts more than five times as long as asked for
LOAD_TIMEOUT, TURN_TIMEOUT = 180.0, 60.0


class Run:
    """One run of several workloads.

    Args:
        peers: which peers to ask; None asks all that a workload names.
        rounds: of turns; one more, before them, warms up.
        seconds: that a turn lasts, about.
        file: where results are kept, after each workload; None keeps none.
        command: for the results.
    """

    def __init__(
        self, peers: list[str] | None, rounds: int, seconds: float, file: Path | None, command: str
    ) -> None:
        self.peers, self.rounds, self.seconds = peers, rounds, seconds
        self.file, self.command = file, command
        self.machine = machine.facts()
        self.results: list[dict[str, Any]] = []
        self.limits: dict[str, dict[str, float]] = {}
        self._workers: dict[str, Worker] = {}
        self._stack = ExitStack()
        self._threads = 1

    def peers_of(self, workload: Workload) -> list[str]:
        names = ["fastnn", *workload.peers]
        return [n for n in names if n == "fastnn" or self.peers is None or n in self.peers]

    def all(self, workloads: list[str], threads: list[int] | None) -> None:
        """Measures workloads, for each number of threads with processes of their own."""
        wanted = {name: threads or WORKLOADS[name].threads for name in workloads}
        cores = self.machine["cores"] or 1
        for count in sorted({t for counts in wanted.values() for t in counts if t <= cores}):
            own = [name for name, counts in wanted.items() if count in counts]
            self._measure_limits(count)
            with ExitStack() as stack:
                self._start(own, count, stack)
                for name in own:
                    began = time.monotonic()
                    try:
                        self._one(name, count)
                    except Exception:  # the others are still to come
                        traceback.print_exc()
                    took = time.monotonic() - began
                    print(f"  ({name}, {count} threads: {took:.0f} s)", file=sys.stderr)
                    self.keep()
            self._measure_limits(count)
        self.keep()

    def found(self) -> dict[str, Any]:
        """All that has been measured so far."""
        return {
            "machine": self.machine,
            "command": self.command,
            "rounds": self.rounds,
            "limits": self.limits,
            "results": self.results,
        }

    def keep(self) -> None:
        """Writes it to the file: a run that is broken off is not lost."""
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(self.found(), indent=1) + "\n", encoding="utf-8")

    def _measure_limits(self, threads: int) -> None:
        """Keeps the best of what is measured before and after."""
        now = machine.limits(threads)
        before = self.limits.setdefault(str(threads), now)
        for name, value in now.items():
            before[name] = max(before[name], value)

    def _start(self, workloads: list[str], threads: int, stack: ExitStack) -> None:
        """Starts the processes that workloads need, all at once: imports take long."""
        self._workers, self._stack, self._threads = {}, stack, threads
        needed = [
            peer
            for name in workloads
            if not isinstance(WORKLOADS[name], Imports)
            for peer in self.peers_of(WORKLOADS[name])
        ]
        for name in dict.fromkeys(needed):
            if not PEERS[name].missing:
                self._workers[name] = stack.enter_context(Worker(PEERS[name], threads))
        for name, worker in self._workers.items():
            try:
                worker.ready()
            except PeerError as error:
                print(f"{name}: {error}", file=sys.stderr)

    def _one(self, name: str, threads: int) -> None:
        workload = WORKLOADS[name]
        rows = {
            m: {"workload": name, "title": workload.title, "measurement": m, "threads": threads,
                **self._work(workload, m), "peers": {}}
            for m in workload.measurements
        }  # fmt: skip
        if isinstance(workload, Imports):
            self._imports(workload, rows["import"])
        else:
            with tempfile.TemporaryDirectory() as folder:
                self._turns(name, workload, rows, Path(folder))
        self.results += rows.values()
        for row in rows.values():
            for known in row["peers"].values():
                known.pop("slow", None)
            print(report.table(row, self.limits), flush=True)

    def _work(self, workload: Workload, measurement: str) -> dict[str, Any]:
        """Operations of one unit, and in which dtype."""
        if isinstance(workload, Products):
            shape = [int(n) for n in measurement.split()[0].split("x")]
            return {"flops": 2.0 * float(np.prod(shape)), "dtype": workload.dtype}
        if isinstance(workload, Training) and measurement in ("step", "infer"):
            rows = workload.network.batch if measurement == "step" else 1
            return {
                "flops": rows * workload.network.flops(measurement == "step"),
                "dtype": "float32",
            }
        return {"flops": 0.0, "dtype": "float32"}

    def _turns(
        self,
        name: str,
        workload: Training | Products,
        rows: dict[str, dict[str, Any]],
        folder: Path,
    ) -> None:
        arrays = self._data(workload, rows, folder)
        able: dict[str, list[str]] = {}
        for peer in self.peers_of(workload):
            title = {"title": PEERS[peer].title}
            try:
                worker = self._worker(peer)
                answer = worker.ask(LOAD_TIMEOUT, do="load", workload=name, folder=str(folder))
                known = {**title, "version": worker.version}
                if arrays is not None:
                    known |= self._learned(workload, arrays, folder, answer["pid"])
                able[peer] = answer["measurements"]
                for measurement in able[peer]:
                    rows[measurement]["peers"][peer] = {**known, "seconds": []}
            except PeerError as error:
                for row in rows.values():
                    row["peers"][peer] = {**title, "error": str(error)}
        # Products are many, and short.
        seconds = self.seconds / 4 if isinstance(workload, Products) else self.seconds
        for measurement, row in rows.items():
            for round_ in range(self.rounds + 1):
                for peer in [p for p in able if measurement in able[p]]:
                    known = row["peers"][peer]
                    taken = self._turn(known, peer, measurement, seconds)
                    if taken is not None and round_ > 0:
                        known["seconds"].append(taken)

    def _turn(
        self, known: dict[str, Any], peer: str, measurement: str, seconds: float
    ) -> float | None:
        """Seconds of one unit; None where the peer has failed, or has had turns enough."""
        if "error" in known or (known.get("slow") and len(known["seconds"]) >= SLOW):
            return None
        began = time.monotonic()
        try:
            answer = self._workers[peer].ask(
                TURN_TIMEOUT, do="measure", measurement=measurement, seconds=seconds
            )
        except PeerError as error:
            known["error"] = str(error)
            return None
        known["slow"] = time.monotonic() - began > 5 * seconds
        return float(answer["seconds"])

    def _worker(self, peer: str) -> Worker:
        """The process of a peer; a new one where it has ended in another workload."""
        if peer not in self._workers or not self._workers[peer].alive:
            self._workers[peer] = self._stack.enter_context(Worker(PEERS[peer], self._threads))
        return self._workers[peer]

    def _data(self, workload: Training | Products, rows: dict[str, Any], folder: Path) -> Any:
        """Makes the file that all peers read."""
        if isinstance(workload, Products):
            return None
        arrays, source = workload.data()
        weights = workload.network.first_weights()
        names = {f"weight{i}": w for i, w in enumerate(weights)}
        np.savez(folder / "data.npz", **arrays, **names)
        for row in rows.values():
            row["data"] = source
        return arrays

    def _learned(
        self, workload: Training | Products, arrays: Any, folder: Path, pid: int
    ) -> dict[str, Any]:
        """How far the first predictions are from fastnn's, and what the same epochs taught."""
        assert isinstance(workload, Training)
        start = np.load(folder / f"start-{pid}.npy")
        first = folder / "first.npy"
        if not first.exists():  # fastnn comes first
            np.save(first, start)
        known: dict[str, Any] = {"difference": float(np.abs(start - np.load(first)).max())}
        end = folder / f"end-{pid}.npy"
        if end.exists():
            output = workload.network.output
            known |= loss_and_accuracy(output, np.load(end), arrays["y_test"])
            known["epochs"] = workload.epochs
        return known

    def _imports(self, workload: Imports, row: dict[str, Any]) -> None:
        for round_ in range(min(self.rounds, SLOW) + 1):
            for name in self.peers_of(workload):
                known = row["peers"].setdefault(
                    name, {"title": PEERS[name].title, "version": "", "seconds": []}
                )
                if "error" in known:
                    continue
                try:
                    if PEERS[name].missing:
                        raise PeerError(PEERS[name].missing)
                    seconds = imports.import_seconds(PEERS[name])
                    if round_ > 0:
                        known["seconds"].append(seconds)
                    else:
                        known["bytes"] = imports.installed_bytes(PEERS[name])
                except PeerError as error:
                    known["error"] = str(error)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--all", action="store_true", help="all workloads")
    parser.add_argument("--peers", help="with commas between (default: those of each workload)")
    parser.add_argument("--threads", help="such as 1,2 (default: those of each workload)")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of a turn, about")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    options = parser.parse_args(arguments)
    if options.all:
        options.workloads = list(WORKLOADS)
    for kind, known in (("workloads", WORKLOADS), ("peers", PEERS)):
        given = getattr(options, kind)
        names = given.split(",") if isinstance(given, str) else given or []
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"there is no {unknown[0]!r} among {kind}: {', '.join(known)}")
    return options


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    options = _parse(arguments)
    if not options.workloads:
        for name, workload in WORKLOADS.items():
            print(f"{name:18}{workload.title} ({', '.join(workload.peers)})")
        return {}
    began = time.monotonic()
    command = "python -m bench.compare " + " ".join(arguments or sys.argv[1:])
    peers = options.peers and options.peers.split(",")
    run = Run(peers, options.rounds, options.seconds, options.json, command)
    run.all(options.workloads, options.threads and [int(t) for t in options.threads.split(",")])
    print(f"\n{time.monotonic() - began:.0f} s in all")
    if options.json:
        print(f"written: {options.json}; python -m bench.report {options.json} makes the pages")
    return run.found()


if __name__ == "__main__":
    # Ends as by an exception: workers, which may be stopped, are ended with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
