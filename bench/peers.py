"""The other frameworks, and the virtual environments they are installed in.

    python -m bench.peers                  installs them all
    python -m bench.peers numpy torch      installs two

Each environment is a folder of .peers/, or of the folder that FASTNN_PEERS names.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("FASTNN_PEERS") or ROOT / ".peers")


@dataclass(frozen=True)
class Peer:
    """A framework to compare with.

    Attributes:
        name: as results name it.
        title: as tables and pictures name it.
        framework: the file of ``frameworks`` that measures it.
        venv: its folder in `HOME`; "" is the Python that runs this.
        requirements: what pip installs there.
        environment: variables that select it, such as KERAS_BACKEND.
        distributions: what is installed for it, with what they require.
        imports: the module that is imported.
        needs: a flag that the processor must have.
    """

    name: str
    title: str
    framework: str
    venv: str
    requirements: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    distributions: tuple[str, ...] = ()
    imports: str = ""
    needs: str = ""

    @property
    def python(self) -> Path:
        return HOME / self.venv / "bin" / "python" if self.venv else Path(sys.executable)

    @property
    def missing(self) -> str:
        """Why it cannot run here; empty where it can."""
        if not self.python.exists():
            return f"not installed: python -m bench.peers {self.name}"
        info = Path("/proc/cpuinfo")
        if self.needs and not (info.exists() and self.needs in info.read_text()):
            return f"the processor has no {self.needs}"
        return ""


_KERAS = "keras==3.15.1"
_TORCH = ("torch==2.13.0", _KERAS)


def _keras(backend: str, title: str, venv: str, *requirements: str) -> Peer:
    distribution = {"tensorflow": "tensorflow_cpu"}.get(backend, backend)
    return Peer(
        f"keras-{backend}",
        f"Keras on {title}",
        "keras",
        venv,
        (*requirements, _KERAS),
        {"KERAS_BACKEND": backend},
        ("keras", distribution),
        "keras",
    )


PEERS = {
    peer.name: peer
    for peer in (
        Peer("fastnn", "fastnn", "fastnn", "", distributions=("numpy",), imports="fastnn"),
        # NumPy is wherever fastnn is.
        Peer("numpy", "NumPy", "numpy", "", (), {}, ("numpy",), "numpy"),
        # OpenBLAS may not know a new processor and take older kernels; this shows it the newer.
        Peer(
            "numpy-avx512", "NumPy, OpenBLAS as SkylakeX", "numpy", "", (),
            {"OPENBLAS_CORETYPE": "SkylakeX"}, needs="avx512f",
        ),
        Peer(
            "sklearn", "scikit-learn", "sklearn", "sklearn", ("scikit-learn",), {},
            ("scikit-learn",), "sklearn.neural_network",
        ),
        Peer("torch", "PyTorch", "torch", "torch", _TORCH, {}, ("torch",), "torch"),
        Peer(
            "torch-compile", "PyTorch, compiled", "torch", "torch", _TORCH,
            {"BENCH_COMPILE": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"},
        ),
        Peer("jax", "JAX, jitted", "jax", "jax", ("jax", _KERAS), {}, ("jax",), "jax"),
        Peer(
            "onnxruntime", "ONNX Runtime", "onnxruntime", "onnxruntime", ("onnxruntime", "onnx"),
            {}, ("onnxruntime",), "onnxruntime",
        ),
        _keras("tensorflow", "TensorFlow", "tf", "tensorflow-cpu"),
        _keras("jax", "JAX", "jax", "jax"),
        _keras("torch", "PyTorch", "torch", _TORCH[0]),
    )
}  # fmt: skip


def install(peer: Peer) -> None:
    """Makes a peer's virtual environment, where there is none."""
    if not peer.venv or peer.python.exists():
        return
    subprocess.run([sys.executable, "-m", "venv", str(HOME / peer.venv)], check=True)
    subprocess.run(
        [str(peer.python), "-m", "pip", "install", "--quiet", *peer.requirements], check=True
    )


if __name__ == "__main__":
    for name in sys.argv[1:] or PEERS:
        install(PEERS[name])
