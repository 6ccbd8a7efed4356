"""The autoencoder VQ-f4: four times smaller, three channels, a code book of 8192 vectors.

Source: Rombach et al., arXiv 2112.10752. Attribute names are those of the published checkpoint."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

GROUPS, EPSILON = 32, 1e-6


@dataclass(frozen=True)
class AutoencoderShape:
    """Of the published checkpoint by default."""

    width: int = 128
    multipliers: tuple[int, ...] = (1, 2, 4)
    blocks: int = 2
    latent: int = 3
    codes: int = 8192


def normalised(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS, width, eps=EPSILON)


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.norm1, self.conv1 = normalised(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = normalised(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        h = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h


class Attention(nn.Module):
    """One head over all pixels."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = normalised(width)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, x):
        h = self.norm(x)
        q, k, v = (layer(h).flatten(2) for layer in (self.q, self.k, self.v))
        weights = (q.transpose(1, 2) @ k * q.shape[1] ** -0.5).softmax(2)
        return x + self.proj_out((v @ weights.transpose(1, 2)).view(x.shape))


class Middle(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = Residual(width, width), Attention(width), Residual(width, width)

    def forward(self, x):
        return self.block_2(self.attn_1(self.block_1(x)))


class Smaller(nn.Module):
    """Stride 2, padded on the right and below only."""

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Larger(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    """Residual blocks, and a change of size under its own name where there is one."""

    def __init__(self, inputs: int, outputs: int, blocks: int, **change: nn.Module):
        super().__init__()
        self.block = nn.ModuleList(Residual(inputs if i == 0 else outputs, outputs) for i in range(blocks))
        self.change = next(iter(change), None)
        for name, module in change.items():
            self.add_module(name, module)

    def forward(self, x):
        for block in self.block:
            x = block(x)
        return x if self.change is None else getattr(self, self.change)(x)


class Encoder(nn.Module):
    def __init__(self, shape: AutoencoderShape):
        super().__init__()
        widths = [shape.width * m for m in shape.multipliers]
        self.conv_in = nn.Conv2d(3, shape.width, 3, padding=1)
        self.down = nn.ModuleList()
        for i, width in enumerate(widths):
            change = {"downsample": Smaller(width)} if i < len(widths) - 1 else {}
            self.down.append(Level(widths[i - 1] if i else shape.width, width, shape.blocks, **change))
        self.mid = Middle(widths[-1])
        self.norm_out, self.conv_out = normalised(widths[-1]), nn.Conv2d(widths[-1], shape.latent, 3, padding=1)

    def forward(self, x):
        h = self.conv_in(x)
        for level in self.down:
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))


class Decoder(nn.Module):
    def __init__(self, shape: AutoencoderShape):
        super().__init__()
        widths = [shape.width * m for m in shape.multipliers]
        self.conv_in = nn.Conv2d(shape.latent, widths[-1], 3, padding=1)
        self.mid = Middle(widths[-1])
        self.up = nn.ModuleList()  # numbered from the finest level, run from the coarsest
        for i, width in enumerate(widths):
            change = {"upsample": Larger(width)} if i else {}
            self.up.append(Level(widths[min(i + 1, len(widths) - 1)], width, shape.blocks + 1, **change))
        self.norm_out, self.conv_out = normalised(widths[0]), nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, x):
        h = self.mid(self.conv_in(x))
        for level in reversed(self.up):
            h = level(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class CodeBook(nn.Module):
    """Every vector becomes the nearest code."""

    def __init__(self, shape: AutoencoderShape):
        super().__init__()
        self.embedding = nn.Embedding(shape.codes, shape.latent)

    def forward(self, x):
        n, c, h, w = x.shape
        vectors, codes = x.permute(0, 2, 3, 1).reshape(-1, c), self.embedding.weight
        # The vectors' own squares are the same for all codes.
        distance = codes.square().sum(1) - 2 * vectors @ codes.t()
        return self.embedding(distance.argmin(1)).view(n, h, w, c).permute(0, 3, 1, 2)


class Autoencoder(nn.Module):
    """Images in -1…1; sides of the image are multiples of 4."""

    def __init__(self, shape: AutoencoderShape = AutoencoderShape()):
        super().__init__()
        self.encoder, self.decoder, self.quantize = Encoder(shape), Decoder(shape), CodeBook(shape)
        self.quant_conv, self.post_quant_conv = (nn.Conv2d(shape.latent, shape.latent, 1) for _ in range(2))

    def encode(self, image):
        return self.quant_conv(self.encoder(image))

    def decode(self, latent):
        return self.decoder(self.post_quant_conv(self.quantize(latent)))
