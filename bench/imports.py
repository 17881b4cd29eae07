"""What it costs to have a framework: the seconds of its import, the bytes installed for it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import fastnn
from bench.peers import Peer
from bench.process import PeerError

_SECONDS = """
import time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""

# The files of distributions and of all that they require and find installed.
_FILES = """
import importlib.metadata, json, re, sys
seen, todo, files = set(), sys.argv[1:], []
while todo:
    name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
    if name in seen:
        continue
    seen.add(name)
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        continue
    files += [str(f.locate()) for f in found.files or () if "__pycache__" not in str(f)]
    for line in found.requires or ():
        if "extra ==" not in line:
            todo.append(re.match(r"[A-Za-z0-9._-]+", line)[0])
print(json.dumps(files))
"""


def _run(peer: Peer, code: str, *arguments: str) -> str:
    environment = {**os.environ, **peer.environment, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if peer.venv:
        environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(peer.python), "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    if done.returncode:
        raise PeerError((done.stderr.strip().splitlines() or ["it failed"])[-1])
    return done.stdout.strip().splitlines()[-1]


def import_seconds(peer: Peer) -> float:
    """Seconds of an import in a fresh process.

    Raises:
        PeerError: if it fails.
    """
    return float(_run(peer, _SECONDS.format(module=peer.imports)))


def installed_bytes(peer: Peer) -> int:
    """Bytes of a peer's files and of all that it requires, compiled Python left out."""
    files = [Path(f) for f in json.loads(_run(peer, _FILES, *peer.distributions))]
    if peer.name == "fastnn":
        folder = Path(fastnn.__file__).parent
        files += [f for f in folder.rglob("*") if "__pycache__" not in f.parts]
    return sum(f.stat().st_size for f in set(files) if f.is_file())
