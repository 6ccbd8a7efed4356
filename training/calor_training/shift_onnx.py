"""Writes a residual-shift network as ONNX: `state`, `image` and `step` to `estimate`, images in -1…1.

The tables of conditioning are folded: each block has one scale and one shift for each step, which hold the bias of the
convolution before them; the process's own constants are tables as well."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from .networks import SLOPE
from .onnx_graph import OPSET, Graph
from .shift_network import ShiftResolver


class ShiftGraph(Graph):
    def row(self, name: str, table: np.ndarray) -> str:
        """The row of a table [steps, c, 1, 1] for the present step."""
        return self.node("Gather", [self.constant(f"{name}.table", table.astype(np.float32)), "step"], name, axis=0)

    def unshuffled(self, x: str, fold: int, channels: int, name: str) -> str:
        """As PyTorch's pixel unshuffle; SpaceToDepth orders the channels of a colour image otherwise."""
        if channels == 1:
            return self.node("SpaceToDepth", [x], name, blocksize=fold)
        picks = np.zeros((channels * fold**2, channels, fold, fold), np.float32)
        for phase in range(channels * fold**2):
            picks[phase, phase // fold**2, phase // fold % fold, phase % fold] = 1
        return self.node("Conv", [x, self.constant(f"{name}.picks", picks)], name, kernel_shape=[fold] * 2,
                         strides=[fold] * 2)

    def product(self, a: str, b: str, name: str) -> str:
        return self.node("Mul", [a, b], name)


def folded(block) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift [steps, c, 1, 1] after the first convolution without its bias."""
    scale, shift = (t.detach().cpu().double().numpy() for t in (1 + block.scale, block.shift))
    shift = shift + scale * block.first.bias.detach().cpu().double().numpy()
    return scale[..., None, None], shift[..., None, None]


def shift_model(network: ShiftResolver, name: str) -> onnx.ModelProto:
    graph, fold, channels = ShiftGraph(), network.fold, network.channels
    if network.scale > 1 and channels > 1:
        raise ValueError("only grey images are enlarged")
    if network.scale > 1:
        phases, seen = graph.bicubic("image", network.bicubic.cpu().numpy()), "image"
    else:
        phases = seen = graph.unshuffled("image", fold, channels, "image.phases")
    residual = graph.node("Sub", [graph.unshuffled("state", fold, channels, "state.phases"), phases], "residual")
    tables = {key: getattr(network, key).cpu().numpy() for key in ("c_in", "c_skip", "c_out")}
    scaled = graph.product(residual, graph.row("c_in", tables["c_in"]), "residual.scaled")
    half = graph.constant("half", np.array(0.5, np.float32))
    grey = graph.add(graph.product(seen, half, "image.half"), half, "image.grey")
    x = graph.node("Concat", [scaled, grey], "entry.input", axis=1)
    trunk = network.trunk
    features = graph.conv(x, trunk.entry, "entry")
    y = features
    for index, block in enumerate(trunk.blocks):
        prefix = f"block{index}"
        weight = graph.constant(f"{prefix}.first.weight", block.first.weight.detach().cpu().numpy())
        z = graph.node("Conv", [y, weight], f"{prefix}.first", kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4)
        for key, table in zip(("scale", "shift"), folded(block)):
            row = graph.row(f"{prefix}.{key}", table)
            z = graph.node("Mul" if key == "scale" else "Add", [z, row], f"{prefix}.{key}.applied")
        z = graph.node("LeakyRelu", [z], f"{prefix}.activation", alpha=SLOPE)
        y = graph.add(y, graph.conv(z, block.second, f"{prefix}.second"), f"{prefix}.sum")
    head = graph.conv(graph.add(graph.conv(y, trunk.exit, "exit"), features, "features"), network.head, "head")
    skip = graph.product(residual, graph.row("c_skip", tables["c_skip"]), "skip")
    found = graph.product(head, graph.row("c_out", tables["c_out"]), "found")
    estimate = graph.add(graph.add(phases, skip, "kept"), found, "estimate.phases")
    graph.shuffled(estimate, fold, "estimate")
    sides = ["out_h", "out_w"] if network.scale > 1 else ["h", "w"]
    inputs = [helper.make_tensor_value_info("state", TensorProto.FLOAT, ["n", channels, *sides]),
              helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", channels, "h", "w"]),
              helper.make_tensor_value_info("step", TensorProto.INT64, [1])]
    outputs = [helper.make_tensor_value_info("estimate", TensorProto.FLOAT, ["n", channels, *sides])]
    model = helper.make_model(helper.make_graph(graph.nodes, name, inputs, outputs, graph.weights),
                              opset_imports=[helper.make_opsetid("", OPSET)], producer_name="calor-training", ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model
