"""PyTorch on the GPU: eager, compiled, captured as a CUDA graph, and both of these.

``missing`` says why there is none; then nothing else here may be called but `resident`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.networks import Network

DEVICE = "cuda"
WAYS = ("graph", "eager", "compiled", "compiled graph")
missing: str | None = None
try:
    import torch

    if not torch.cuda.is_available():
        missing = "PyTorch sees no GPU"
except ImportError as error:
    missing = f"no PyTorch: {error}"


def resident(array: Any) -> Any:
    """The array on the GPU, where PyTorch can bring it there; fastnn takes it as it is."""
    return array if missing else torch.from_numpy(array).to(DEVICE)


def set_up() -> dict[str, Any]:
    """float32 means float32 here; returns what there is."""
    if missing:
        return {"torch": missing}
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return {"torch": torch.__version__, "torch_device": torch.cuda.get_device_name()}


class _Trained:
    """The network of `bench.frameworks.torch`, its data and its optimizer on the GPU."""

    def __init__(self, network: Network, weights: list[Any], data: dict[str, Any]) -> None:
        from bench.frameworks.torch import Model

        self.model = Model(network, weights, data, threads=1)
        self.model.module = self.model.module.to(DEVICE)
        self.x, self.y = self.model.x.to(DEVICE), self.model.y.to(DEVICE)
        self.optimizer = _adam(self.model.module)
        self.losses = self.model.loss_and_right
        self.total, self.right = (torch.zeros((), device=DEVICE) for _ in range(2))
        self.rows = torch.zeros(network.batch, dtype=torch.int64, device=DEVICE)
        self.model.module.train()

    def step(self) -> None:
        """On the rows that `rows` names."""
        loss, right = self.losses(self.x[self.rows], self.y[self.rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.total += loss.detach()
        self.right += right

    def fit(self, step: Callable[[], None], epochs: int) -> tuple[float, float]:
        result = (0.0, 0.0)
        steps = len(self.x) // len(self.rows)
        for _ in range(epochs):
            self.total.zero_()
            self.right.zero_()
            for rows in torch.randperm(len(self.x), device=DEVICE).split(len(self.rows)):
                self.rows.copy_(rows)
                step()
            result = self.total.item() / steps, self.right.item() / steps
        return result


def _adam(module: Any) -> Any:
    parameters = [p for p in module.parameters() if p.requires_grad]
    return torch.optim.Adam(parameters, eps=1e-7, fused=True, capturable=DEVICE == "cuda")


# Compiled once for all sizes of the batch.
_compiled: dict[tuple[Any, ...], Any] = {}


def _compiled_losses(trained: _Trained) -> Any:
    network = trained.model.network
    key = (network.input_shape, network.layers)
    if key not in _compiled:
        module = trained.model.module
        _compiled[key] = (module, torch.compile(trained.model.loss_and_right, dynamic=True))
    module, losses = _compiled[key]
    trained.optimizer = _adam(module)
    return losses


def _captured(trained: _Trained) -> Callable[[], None]:
    """The step as a CUDA graph, after steps on another stream, as PyTorch's manual says."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            trained.step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    trained.optimizer.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        trained.step()
    return graph.replay


def training(
    network: Network, weights: list[Any], data: dict[str, Any], way: str
) -> Callable[[int], Any]:
    """A call that trains n epochs in one of WAYS."""
    trained = _Trained(network, weights, data)
    if way.startswith("compiled"):
        trained.losses = _compiled_losses(trained)
    step = _captured(trained) if way.endswith("graph") else trained.step
    return lambda epochs: trained.fit(step, epochs)


def product(n: int, chain: int, steps: int) -> Callable[[int], None]:
    """The chain of products of `bench.gpu.kernels`, by cuBLAS, in a CUDA graph."""
    first, by = (torch.randn(n, n, device=DEVICE) for _ in range(2))
    by /= n**0.5

    def run() -> Any:
        y = first
        for _ in range(chain):
            y = y @ by
        return y

    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()

    def call(count: int) -> None:
        for _ in range(count * steps):
            graph.replay()
        torch.cuda.synchronize()

    return call
