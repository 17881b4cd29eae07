"""ONNX Runtime: predictions of a graph that is made here from the plain weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from bench import networks as n

VERSION = onnxruntime.__version__


def _graph(network: n.Network, weights: list[Any]) -> bytes:
    nodes: list[Any] = []
    constants: list[Any] = []
    rest = iter(weights)
    name, flattened = "x", None

    def add(op: str, *inputs: Any, **attributes: Any) -> None:
        nonlocal name
        given = [name]
        for array in inputs:
            constants.append(numpy_helper.from_array(array, f"w{len(constants)}"))
            given.append(constants[-1].name)
        name = f"{op}{len(nodes)}"
        nodes.append(helper.make_node(op, given, [name], **attributes))

    for layer, shape in zip(network.layers, network.shapes(), strict=False):
        if isinstance(layer, n.Dense):
            kernel = next(rest)
            if flattened is not None and len(flattened) == 3:
                parts = kernel.reshape(*flattened, -1).transpose(2, 0, 1, 3)
                kernel, flattened = parts.reshape(kernel.shape), None
            add("Gemm", np.ascontiguousarray(kernel), next(rest))
        elif isinstance(layer, n.Conv):
            kernel = np.ascontiguousarray(next(rest).transpose(3, 2, 0, 1))
            add("Conv", kernel, next(rest))
        elif isinstance(layer, n.MaxPool):
            window = [layer.size, layer.size]
            add("MaxPool", kernel_shape=window, strides=window)
        elif isinstance(layer, n.Flatten):
            flattened = shape
            add("Flatten")
        elif not isinstance(layer, n.Dropout):
            raise NotImplementedError(f"no {type(layer).__name__} here")
        activation = getattr(layer, "activation", "linear")
        if activation != "linear":
            add(activation.capitalize())
    shape = network.input_shape
    if len(shape) == 3:
        shape = (shape[2], *shape[:2])
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", *shape])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
        constants,
    )
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


class Model:
    def __init__(self, network: n.Network, weights: list[Any], data: dict[str, Any], threads: int):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.batch = network.batch
        self.images = len(network.input_shape) == 3
        self.session = onnxruntime.InferenceSession(
            _graph(network, weights), options, providers=["CPUExecutionProvider"]
        )

    def given(self, x: Any) -> Any:
        """Channels first; the images have one channel, so nothing moves."""
        return x.reshape(len(x), x.shape[3], *x.shape[1:3]) if self.images else x

    def predict(self, x: Any) -> Any:
        run, x = self.session.run, self.given(x)
        starts = range(0, len(x), self.batch)
        return np.concatenate([run(None, {"x": x[i : i + self.batch]})[0] for i in starts])

    def row(self, row: Any) -> Any:
        run, row = self.session.run, self.given(row)
        return lambda: run(None, {"x": row})[0]
