"""The two networks: a super-resolver over a bicubic skip, and an enhancer at half resolution."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from . import winograd
from .presets import Preset

SLOPE = 0.1  # of every LeakyReLU


def cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' cubic kernel with a = -0.5 (Catmull-Rom), the one Pillow calls BICUBIC."""
    a, d = -0.5, np.abs(distance)
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def bicubic_phases(scale: int) -> np.ndarray:
    """Weights [scale², 1, 5, 5] that enlarge by `scale` when followed by a pixel shuffle (CRD).

    Output sample `scale * i + p` lies at `i + (p + 0.5) / scale - 0.5` on the input's grid.
    """
    taps = np.arange(-2, 3)
    rows = np.stack([cubic(taps - ((p + 0.5) / scale - 0.5)) for p in range(scale)])
    return np.einsum("iy,jx->ijyx", rows, rows).reshape(scale * scale, 1, 5, 5).astype(np.float32)


class ResidualBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        for conv, gain in ((self.first, 1.0), (self.second, 0.1)):
            nn.init.kaiming_normal_(conv.weight, a=SLOPE)
            nn.init.zeros_(conv.bias)
            # A small second convolution starts each block near the identity: a rate of 1e-3 is then stable.
            conv.weight.data.mul_(gain)

    def forward(self, x):
        if winograd.suits(x):
            return winograd.residual(x, self.first, self.second, SLOPE)
        return x + self.second(F.leaky_relu(self.first(x), SLOPE))


class Trunk(nn.Module):
    """First convolution, residual blocks, last convolution, with one long skip around the blocks. What comes beside `x` goes
    to every block."""

    def __init__(self, entry: nn.Conv2d, width: int, blocks: int):
        super().__init__()
        self.entry = entry
        self.blocks = nn.ModuleList(ResidualBlock(width) for _ in range(blocks))
        self.exit = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x, *condition):
        features = self.entry(x)
        y = features
        for block in self.blocks:
            y = block(y, *condition)
        return winograd.convolution(self.exit, y) + features


def small_head(width: int, channels: int) -> nn.Conv2d:
    """The last convolution, near zero, so that training starts from the skip alone."""
    head = nn.Conv2d(width, channels, 3, padding=1)
    head.weight.data.mul_(0.1)
    nn.init.zeros_(head.bias)
    return head


class SuperResolver(nn.Module):
    """[n, 1, h, w] to [n, 1, s·h, s·w]: bicubic enlargement plus a learnt residual."""

    def __init__(self, scale: int, width: int, blocks: int):
        super().__init__()
        self.scale = scale
        self.trunk = Trunk(nn.Conv2d(1, width, 3, padding=1), width, blocks)
        self.head = small_head(width, scale * scale)
        self.register_buffer("bicubic", torch.from_numpy(bicubic_phases(scale)))

    def forward(self, x, half: bool = False):
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            features = self.trunk(x)
        skip = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), self.bicubic)
        return F.pixel_shuffle(self.head(features.to(x.dtype)) + skip, self.scale)

    @property
    def receptive_radius(self) -> int:
        """In input pixels: one for each 3x3 convolution."""
        return 1 + 2 * len(self.trunk.blocks) + 1 + 1


class Enhancer(nn.Module):
    """[n, c, h, w] to the same shape, h and w even: the input plus a residual computed at half size.

    The entry, 6x6 with stride 2, is exactly "pixel unshuffle by 2, then 3x3".
    """

    def __init__(self, channels: int, width: int, blocks: int):
        super().__init__()
        self.trunk = Trunk(nn.Conv2d(channels, width, 6, stride=2, padding=2), width, blocks)
        self.head = small_head(width, channels * 4)

    def forward(self, x, half: bool = False):
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            features = self.trunk(x)
        return x + F.pixel_shuffle(self.head(features.to(x.dtype)), 2)

    @property
    def receptive_radius(self) -> int:
        """In input pixels, rounded up to an even number so that a tile with its halo stays even.

        2 for each 3x3 at half size, then 3 for the far side of the 6x6 entry.
        """
        return (2 * (2 * len(self.trunk.blocks) + 1 + 1) + 3 + 1) // 2 * 2


def build(preset: Preset) -> nn.Module:
    if preset.purpose == "super-resolution":
        return SuperResolver(preset.scale, preset.width, preset.blocks)
    return Enhancer(preset.channels, preset.width, preset.blocks)


def parameter_count(network: nn.Module) -> int:
    """Learnt numbers; the fixed bicubic weights do not count."""
    return sum(p.numel() for p in network.parameters())
