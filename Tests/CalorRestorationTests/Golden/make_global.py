"""A small network whose every output sees the whole picture, as a model folder: global/model.onnx, global/model.yaml.

Two convolutions with a gain for each channel between them that the mean of the picture decides, as in squeeze and excitation.
Needs PyTorch and onnx.
"""

import hashlib
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

FOLDER = Path(__file__).parent / "global"
SCALE, GAIN = 2, 4


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, SCALE**2, 3, padding=1)
        self.gains = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        h = F.relu(self.first(x))
        h = h * torch.sigmoid(GAIN * self.gains(h.mean((2, 3), keepdim=True)))
        return F.pixel_shuffle(x + 0.5 * self.second(h), SCALE)


def main():
    torch.manual_seed(3)
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / "model.onnx"
    torch.onnx.export(Network().eval(), (torch.zeros(1, 1, 8, 8),), str(file), input_names=["input"], output_names=["output"],
                      opset_version=17, dynamo=False, dynamic_axes={"input": {2: "h", 3: "w"}, "output": {2: "H", 3: "W"}})
    (FOLDER / "model.yaml").write_text(f"""calor-model: 1
name: global
purpose: super-resolution
kind: infrared
file: model.onnx
sha256: {hashlib.sha256(file.read_bytes()).hexdigest()}
scale: {SCALE}
channels: 1
input: input
output: output
range: [0.0, 1.0]
blend: true
""")


if __name__ == "__main__":
    main()
