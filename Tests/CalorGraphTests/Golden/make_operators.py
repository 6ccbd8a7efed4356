"""Writes operators.json: small operator cases with outputs of ONNX's own reference evaluator.

Usage: python make_operators.py operators.json   (needs numpy and onnx==1.22.0)
"""
import json
import sys

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(5)
f = lambda *shape: (np.round(rng.standard_normal(shape) * 64) / 64).astype(np.float32)
i = lambda *values: np.array(values, np.int64)
CASES = [
    ("Conv", 17, [f(1, 4, 7, 6), f(6, 2, 3, 3), f(6)], dict(group=2, pads=[1, 0, 2, 1], strides=[2, 1], dilations=[1, 2])),
    ("Conv", 17, [f(1, 5, 4, 4), f(5, 1, 3, 3)], dict(group=5, auto_pad="SAME_UPPER")),
    ("ConvTranspose", 17, [f(1, 3, 4, 3), f(3, 2, 3, 3), f(2)], dict(strides=[2, 3], pads=[1, 0, 1, 2])),
    ("PRelu", 17, [f(1, 3, 2, 2), f(3, 1, 1)], {}),
    ("LeakyRelu", 17, [f(2, 3)], dict(alpha=0.2)),
    ("DepthToSpace", 17, [f(1, 8, 2, 3)], dict(blocksize=2, mode="CRD")),
    ("DepthToSpace", 17, [f(1, 8, 2, 3)], dict(blocksize=2)),
    ("SpaceToDepth", 17, [f(1, 2, 4, 6)], dict(blocksize=2)),
    ("InstanceNormalization", 17, [f(2, 3, 4, 5), f(3), f(3)], dict(epsilon=1e-5)),
    ("LayerNormalization", 17, [f(2, 3, 5), f(5), f(5)], dict(axis=-1)),
    ("Softmax", 17, [f(2, 3, 5)], dict(axis=1)),
    # The evaluator does not flatten as operator sets before 13 ask for, so only a matrix compares.
    ("Softmax", 11, [f(2, 12)], dict(axis=1)),
    ("MatMul", 17, [f(2, 1, 3, 4), f(3, 4, 2)], {}),
    ("Gemm", 17, [f(4, 3), f(5, 4), f(5)], dict(transA=1, transB=1, alpha=0.5, beta=2.0)),
    ("Erf", 17, [f(2, 5)], {}), ("Sigmoid", 17, [f(2, 5)], {}), ("Gelu", 20, [f(2, 5)], dict(approximate="tanh")),
    ("Resize", 19, [f(1, 2, 3, 4), np.array([], np.float32), np.array([1, 1, 2, 1.5], np.float32)], dict(mode="linear")),
    ("Resize", 19, [f(1, 1, 6, 6), np.array([], np.float32), np.array([1, 1, 0.5, 0.6], np.float32)], dict(mode="cubic", antialias=1)),
    ("Resize", 19, [f(1, 1, 3, 3), np.array([], np.float32), np.array([1, 1, 2.5, 2], np.float32)], dict(mode="nearest")),
    ("Pad", 18, [f(2, 3), i(1, 2, 0, 1)], dict(mode="reflect")),
    ("Slice", 13, [f(5, 6), i(4, 1), i(-6, 6), i(0, 1), i(-2, 3)], {}),
    ("Transpose", 13, [f(2, 3, 4)], dict(perm=[2, 0, 1])),
    ("Gather", 13, [f(4, 3), i(2, -1, 0)], dict(axis=0)),
    ("ReduceMean", 18, [f(2, 3, 4), i(0, 2)], dict(keepdims=0)),
    ("ReduceLogSumExp", 18, [f(3, 4), i(1)], {}),
    ("AveragePool", 19, [f(1, 2, 5, 5)], dict(kernel_shape=[3, 2], strides=[2, 2], pads=[1, 1, 1, 0])),
    ("MaxPool", 19, [f(1, 2, 6, 5)], dict(kernel_shape=[3, 3], strides=[2, 2], dilations=[2, 1])),
    ("CumSum", 14, [f(3, 4), np.array(1, np.int64)], dict(reverse=1, exclusive=1)),
    ("Einsum", 12, [f(2, 3, 4), f(2, 4, 5)], dict(equation="bij,bjk->bki")),
    ("GridSample", 20, [f(1, 2, 4, 4), f(1, 3, 3, 2)], dict(mode="cubic", padding_mode="reflection")),
    ("Mod", 13, [i(7, -7, 7, -7), i(3, 3, -3, -3)], {}),
    ("Div", 14, [i(7, -7, 7, -7), i(2, 2, -2, -2)], {}),
]
TYPES = {np.dtype("float32"): ("f32", TensorProto.FLOAT), np.dtype("int64"): ("i64", TensorProto.INT64)}


def pack(array):
    return {"dtype": TYPES[array.dtype][0], "shape": list(array.shape), "values": array.ravel().tolist()}


document = []
for op, opset, inputs, attributes in CASES:
    names = [f"x{k}" for k in range(len(inputs))]
    feeds = dict(zip(names, inputs))
    node = helper.make_node(op, names, ["y"], **attributes)
    graph = helper.make_graph(
        [node], op, [helper.make_tensor_value_info(n, TYPES[a.dtype][1], a.shape) for n, a in feeds.items()],
        [helper.make_tensor_value_info("y", TYPES[inputs[0].dtype][1], None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    want = np.asarray(ReferenceEvaluator(model).run(None, feeds)[0])
    document.append({"op": op, "opset": opset, "attributes": attributes, "inputs": [pack(a) for a in inputs],
                     "output": pack(want.astype(inputs[0].dtype))})
with open(sys.argv[1], "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(entry) for entry in document) + "\n]\n")
