"""The process in which one peer measures one workload: ``python -m bench.worker`` is for `Worker`.

A workload's file for a peer has ``prepare(arrays, threads)``; it returns the peer's version and a
dict of measurements: functions without arguments that return the seconds of one unit.
"""

from __future__ import annotations

import importlib
import json
import sys

import numpy as np


def main() -> None:
    workload, peer, data, threads = sys.argv[1:]
    with np.load(data) as arrays:
        module = importlib.import_module(f"bench.{workload}.{peer}")
        version, measurements = module.prepare(dict(arrays), int(threads))
    print(json.dumps({"version": version}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": measurements[line.strip()]()}), flush=True)


if __name__ == "__main__":
    main()
