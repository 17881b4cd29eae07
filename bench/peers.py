"""The other frameworks: where they are installed, and how a measurement is run in each.

    python -m bench.peers                  installs them all
    python -m bench.peers numpy torch      installs two

Each has a virtual environment of its own in .peers/ (or where FASTNN_PEERS points). A measurement
is a worker process in that environment, which prepares its network once and then measures whenever
it is asked to: so that peers can take turns while the machine's mood changes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("FASTNN_PEERS") or ROOT / ".peers")


@dataclass(frozen=True)
class Peer:
    """A framework to compare with.

    Args:
        name: as results name it.
        venv: its folder in `HOME`; "" is the Python that runs this.
        requirements: what pip installs there.
        environment: variables that select it, such as KERAS_BACKEND.
    """

    name: str
    venv: str
    requirements: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def worker(self) -> str:
        """The file of a workload's folder that measures it."""
        return self.name.split("-")[0]

    @property
    def python(self) -> Path:
        return HOME / self.venv / "bin" / "python" if self.venv else Path(sys.executable)


_KERAS = "keras==3.15.1"
PEERS = {
    peer.name: peer
    for peer in (
        Peer("fastnn", ""),
        Peer("numpy", "numpy", ("numpy",)),
        Peer("sklearn", "sklearn", ("scikit-learn",)),
        Peer("torch", "torch", ("torch==2.13.0", _KERAS)),
        Peer("jax", "jax", ("jax", _KERAS)),
        Peer("keras-jax", "jax", ("jax", _KERAS), {"KERAS_BACKEND": "jax"}),
        Peer("keras-torch", "torch", ("torch==2.13.0", _KERAS), {"KERAS_BACKEND": "torch"}),
        Peer("keras-tensorflow", "tf", ("tensorflow-cpu", _KERAS), {"KERAS_BACKEND": "tensorflow"}),
    )
}


def install(peer: Peer) -> None:
    """Makes a peer's virtual environment, where there is none."""
    if not peer.venv or peer.python.exists():
        return
    subprocess.run([sys.executable, "-m", "venv", str(HOME / peer.venv)], check=True)
    subprocess.run(
        [str(peer.python), "-m", "pip", "install", "--quiet", *peer.requirements], check=True
    )


class Worker:
    """A process that measures one workload in one peer.

    Args:
        peer: the peer.
        workload: a folder beside this file; it has a file for the peer.
        data: an .npz file with the workload's arrays.
        threads: how many threads the peer may use.
    """

    def __init__(self, peer: Peer, workload: str, data: Path, threads: int) -> None:
        count = str(threads)
        environment = {
            **os.environ,
            **peer.environment,
            "OMP_NUM_THREADS": count,
            "OPENBLAS_NUM_THREADS": count,
            "MKL_NUM_THREADS": count,
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        if threads == 1:
            environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        self.peer = peer
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [str(peer.python), "-m", "bench.worker", workload, peer.worker, str(data), count],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        self.version = str(self._answer()["version"])

    def measure(self, name: str) -> float:
        """Seconds of one unit of a measurement (a step, a call), by the workload's definition."""
        assert self._process.stdin is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return float(str(self._answer()["seconds"]))

    def _answer(self) -> dict[str, object]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, object] = json.loads(line)
                return answer
        self._log.seek(0)
        raise RuntimeError(f"the worker of {self.peer.name} ended:\n{self._log.read()[-2000:]}")

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._log.close()


if __name__ == "__main__":
    for name in sys.argv[1:] or PEERS:
        install(PEERS[name])
