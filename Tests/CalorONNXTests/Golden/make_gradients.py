"""Three small networks with PyTorch's gradients of their inputs: vgg.onnx, unet.onnx, window.onnx and gradients.json.

Needs PyTorch and onnx. Weights are random; what is compared is <seed, d output / d input> for a random seed.
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).parent


class VGG(nn.Module):
    """Convolutions, Relu and max pooling, as in the feature networks of perceptual losses."""

    def __init__(self):
        super().__init__()
        layers, width = [], 3
        for out in (8, "pool", 12, 12, "pool", 16):
            if out == "pool":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(width, out, 3, padding=1), nn.ReLU()]
                width = out
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers((x - 0.45) / 0.225)


class Residual(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.first, self.second = nn.Conv2d(width, out, 3, padding=1), nn.Conv2d(out, out, 3, padding=1)
        self.norms = nn.ModuleList([nn.GroupNorm(4, width), nn.GroupNorm(4, out)])
        self.skip = nn.Conv2d(width, out, 1)

    def forward(self, x):
        h = self.first(F.silu(self.norms[0](x)))
        return self.skip(x) + self.second(F.silu(self.norms[1](h)))


class UNet(nn.Module):
    """Group norm, strided convolutions, nearest enlargement and concatenated skips, a transposed convolution, bilinear."""

    def __init__(self):
        super().__init__()
        self.entry, self.down = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 12, 3, stride=2, padding=1)
        self.lower, self.deeper = Residual(12, 12), nn.Conv2d(12, 16, 4, stride=2, padding=1)
        self.middle, self.up = Residual(16, 16), nn.ConvTranspose2d(16, 12, 4, stride=2, padding=1)
        self.upper, self.exit = Residual(24, 8), nn.Conv2d(16, 1, 3, padding=1, padding_mode="reflect")

    def forward(self, x):
        a = self.entry(x)
        b = self.lower(self.down(a))
        c = self.up(self.middle(self.deeper(b)))
        d = F.interpolate(self.upper(torch.cat([b, c], 1)), scale_factor=2, mode="nearest")
        e = self.exit(torch.cat([a, d], 1))
        small = F.interpolate(F.avg_pool2d(x, 3, 2, 1), size=x.shape[-2:], mode="bilinear", align_corners=False)
        return torch.tanh(e) + small


class Window(nn.Module):
    """Two shifted-window attention blocks with layer norm and GELU, and a pixel shuffle at the end."""

    def __init__(self, width=12, heads=3, window=4):
        super().__init__()
        self.entry, self.exit = nn.Conv2d(1, width, 3, padding=1), nn.Conv2d(width, 4, 3, padding=1)
        self.blocks = nn.ModuleList(WindowBlock(width, heads, window, shift) for shift in (0, window // 2))

    def forward(self, x):
        h = self.entry(x).permute(0, 2, 3, 1)
        for block in self.blocks:
            h = block(h)
        return F.pixel_shuffle(self.exit(h.permute(0, 3, 1, 2)), 2)


class WindowBlock(nn.Module):
    def __init__(self, width, heads, window, shift):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.bias = nn.Parameter(torch.randn(heads, window**2, window**2) * 0.3)

    def forward(self, x):
        n, h, w, c = x.shape
        size = self.window
        y = self.norms[0](x)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = y.reshape(n, h // size, size, w // size, size, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, size**2, c)
        qkv = self.qkv(y).reshape(-1, size**2, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        attention = (qkv[0] * (c // self.heads) ** -0.5) @ qkv[1].transpose(-2, -1) + self.bias
        y = (attention.softmax(-1) @ qkv[2]).transpose(1, 2).reshape(-1, size**2, c)
        y = self.out(y).reshape(n, h // size, w // size, size, size, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y
        return x + self.mlp(self.norms[1](x))


def main():
    torch.manual_seed(3)
    cases = []
    for name, network, shape in (
        ("vgg", VGG(), (1, 3, 20, 16)), ("unet", UNet(), (1, 1, 16, 12)), ("window", Window(), (1, 1, 8, 12)),
    ):
        network.eval()
        x = torch.rand(shape, requires_grad=True)
        y = network(x)
        seed = torch.randn(y.shape)
        (gradient,) = torch.autograd.grad(y, x, seed)
        torch.onnx.export(network, (x.detach(),), str(HERE / f"{name}.onnx"), input_names=["x"], output_names=["y"],
                          opset_version=17, dynamo=False)
        if name == "vgg":  # the same for any size, for tests of guidance by a user's network
            torch.onnx.export(network, (x.detach(),), str(HERE / "vgg-any.onnx"), input_names=["x"], output_names=["y"],
                              opset_version=17, dynamo=False,
                              dynamic_axes={"x": {2: "height", 3: "width"}, "y": {2: "h", 3: "w"}})
        listed = lambda t: [float(f"{v:.8g}") for v in t.detach().flatten().tolist()]
        cases.append({"name": name, "shape": list(shape), "outputShape": list(y.shape), "x": listed(x), "y": listed(y),
                      "seed": listed(seed), "gradient": listed(gradient)})
    (HERE / "gradients.json").write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
