"""Writes the networks as ONNX, operator by operator: only Conv, LeakyRelu, Add, Pad and DepthToSpace."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from .networks import SLOPE, Enhancer, SuperResolver, Trunk

OPSET = 17


class Graph:
    """Collects nodes and weights; each method appends one operator and returns the name of its result."""

    def __init__(self):
        self.nodes, self.weights = [], []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], name: str, **attributes) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def conv(self, x: str, layer: nn.Conv2d, name: str) -> str:
        weight, bias = (t.detach().cpu().numpy() for t in (layer.weight, layer.bias))
        inputs = [x, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.node("Conv", inputs, name, kernel_shape=list(layer.kernel_size), strides=list(layer.stride),
                         pads=list(layer.padding) * 2)

    def add(self, a: str, b: str, name: str) -> str:
        return self.node("Add", [a, b], name)

    def trunk(self, x: str, trunk: Trunk) -> str:
        features = self.conv(x, trunk.entry, "entry")
        y = features
        for index, block in enumerate(trunk.blocks):
            name = f"block{index}"
            z = self.conv(y, block.first, f"{name}.first")
            z = self.node("LeakyRelu", [z], f"{name}.activation", alpha=SLOPE)
            y = self.add(y, self.conv(z, block.second, f"{name}.second"), f"{name}.sum")
        return self.add(self.conv(y, trunk.exit, "exit"), features, "features")

    def shuffled(self, x: str, scale: int, name: str) -> str:
        return self.node("DepthToSpace", [x], name, blocksize=scale, mode="CRD")

    def bicubic(self, x: str, weights: np.ndarray) -> str:
        pads = self.constant("bicubic.pads", np.array([0, 0, 2, 2, 0, 0, 2, 2], np.int64))
        padded = self.node("Pad", [x, pads], "bicubic.padded", mode="edge")
        inputs = [padded, self.constant("bicubic.weight", weights)]
        return self.node("Conv", inputs, "bicubic", kernel_shape=[5, 5], strides=[1, 1], pads=[0] * 4)


def onnx_model(network: SuperResolver | Enhancer, name: str, channels: int) -> onnx.ModelProto:
    """[n, c, h, w] `input` to `output`, with n, h and w free; the result is not clipped."""
    graph = Graph()
    residual = graph.conv(graph.trunk("input", network.trunk), network.head, "head")
    if isinstance(network, SuperResolver):
        skip = graph.bicubic("input", network.bicubic.cpu().numpy())
        graph.shuffled(graph.add(residual, skip, "phases"), network.scale, "output")
        sides = ["out_h", "out_w"]
    else:
        graph.add("input", graph.shuffled(residual, 2, "residual"), "output")
        sides = ["h", "w"]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", channels, "h", "w"])],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", channels, *sides])],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="calor-training",
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return model
