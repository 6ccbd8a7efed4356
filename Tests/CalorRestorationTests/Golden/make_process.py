"""A small network that is one step of a residual-shifting process, as a model folder, and what the whole process makes of an
image: process/model.onnx, process/model.yaml, process.json. Needs NumPy, Pillow, PyTorch and onnx.

The process is written here from its papers, with the noise of make_sampler.py; the enlargement is Pillow's.
"""

import hashlib
import json
import math
import struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from make_sampler import normals, published_roots

HERE = Path(__file__).parent
SCALE, KAPPA, DEVIATION, SEED = 4, 0.05, 0.0157, 7


class Step(nn.Module):
    """F(c_in r, LR, step): unshuffled state and input, two convolutions, one shift of the features for each step."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(SCALE**2 + 1, 12, 3, padding=1), nn.Conv2d(12, SCALE**2, 3, padding=1)
        self.shifts = nn.Parameter(torch.randn(4, 12) * 0.3)

    def forward(self, state, low, step):
        h = self.first(torch.cat([F.pixel_unshuffle(state, SCALE), low], 1)) + self.shifts[step].reshape(1, -1, 1, 1)
        return F.pixel_shuffle(self.second(F.leaky_relu(h, 0.1)), SCALE)


def image_key(plane):
    height, width = plane.shape
    key = (width * 0x100000001B3 & (1 << 64) - 1) ^ height
    for value in plane.astype(np.float32).ravel():
        key = ((key ^ struct.unpack("<I", struct.pack("<f", value))[0]) * 0x100000001B3) & (1 << 64) - 1
    return key


def enlarged(plane):
    height, width = plane.shape
    return np.asarray(Image.fromarray(plane.astype(np.float32)).resize((width * SCALE, height * SCALE), Image.Resampling.BICUBIC))


def process(network, plane, roots, noise, deterministic):
    y = torch.tensor(enlarged(plane))[None, None].double()
    low = torch.tensor(plane, dtype=torch.float32)[None, None]
    eta, last = np.asarray(roots) ** 2, len(roots) - 1
    x = y + KAPPA * roots[last] * noise(0) if noise else y
    for t in range(last, -1, -1):
        v = (1 - eta[t]) ** 2 * DEVIATION**2 + KAPPA**2 * eta[t]
        with torch.no_grad():
            f = network(((x - y) / math.sqrt(v)).float(), low, torch.tensor([t])).double()
        x0 = y + (1 - eta[t]) * DEVIATION**2 / v * (x - y) + DEVIATION * KAPPA * roots[t] / math.sqrt(v) * f
        x0 = x0.clamp(0, 1)
        if t == 0:
            return x0[0, 0].numpy()
        before = eta[t - 1]
        if deterministic:
            eps = (x - (1 - eta[t]) * x0 - eta[t] * y) / (KAPPA * roots[t])
            x = x0 + before * (y - x0) + KAPPA * math.sqrt(before) * eps
        else:
            alpha = eta[t] - before
            x = before / eta[t] * x + alpha / eta[t] * x0
            if noise:
                x = x + KAPPA * math.sqrt(before / eta[t] * alpha) * noise(16 * (t + 1))


def main():
    torch.manual_seed(5)
    network = Step().eval()
    folder = HERE / "process"
    folder.mkdir(exist_ok=True)
    rows, columns = np.mgrid[0:6, 0:7]
    plane = (0.5 + 0.4 * np.sin(columns * 0.8 + rows * 0.3) * np.cos(rows * 0.7)).astype(np.float32)
    state, low = torch.zeros(1, 1, 24, 28), torch.tensor(plane)[None, None]
    torch.onnx.export(network, (state, low, torch.tensor([1])), str(folder / "model.onnx"), input_names=["state", "low", "step"],
                      output_names=["output"], opset_version=17, dynamo=False,
                      dynamic_axes={"state": {2: "H", 3: "W"}, "low": {2: "h", 3: "w"}, "output": {2: "H", 3: "W"}})
    roots = published_roots(4, 0.1, KAPPA)
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    (folder / "model.yaml").write_text(f"""calor-model: 1
name: process
purpose: super-resolution
kind: infrared
file: model.onnx
sha256: {digest}
scale: {SCALE}
channels: 1
input: state
output: output
range: [0.0, 1.0]
multiple: 1
receptive-field: 2
sampler:
  kappa: {KAPPA}
  roots: [{", ".join(repr(float(q)) for q in roots)}]
  prediction: start
  input-scaling: preconditioned
  residual-deviation: {DEVIATION}
  deterministic: true
  state: state
  low: low
  step: step
""")
    key = image_key(plane)
    noise = lambda channel: torch.tensor(normals(SEED, key, 28, 24, channel).astype(np.float64))[None, None]
    cases = {"fidelity": process(network, plane, roots, None, True), "texture": process(network, plane, roots, noise, True),
             "stochastic": process(network, plane, roots, noise, False)}
    listed = lambda a: [float(f"{v:.9g}") for v in np.asarray(a).ravel()]
    (HERE / "process.json").write_text(json.dumps(
        {"width": 7, "height": 6, "seed": SEED, "image": listed(plane.astype(np.float64)), **{k: listed(v) for k, v in cases.items()}},
        separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
