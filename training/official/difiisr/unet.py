"""The denoiser: a U-Net of four levels with residual blocks and shifted-window attention.

Source: Yue et al., arXiv 2307.12348 (ResShift), whose network SinSR and DifIISR keep. Attribute names are those of the
published checkpoint; they decide nothing else."""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

GROUPS = 32
MASKED = -100.0  # added to the logits between pixels that are no neighbours


@dataclass(frozen=True)
class UNetShape:
    """Of the published checkpoint by default. `nominal` is the side that decides where windows are shifted."""

    nominal: int = 64
    inputs: int = 6
    outputs: int = 3
    width: int = 160
    multipliers: tuple[int, ...] = (1, 2, 2, 4)
    blocks: int = 2
    attention: int = 192
    heads: int = 6
    window: int = 8
    mlp: int = 4
    swin_blocks: int = 2


def time_embedding(step: torch.Tensor, width: int) -> torch.Tensor:
    """[n] to [n, width]: cosines, then sines, of frequencies from 1 down to 1/10000."""
    half = width // 2
    frequencies = torch.exp(torch.arange(half, dtype=torch.float32, device=step.device) * (-math.log(10000) / half))
    angles = step[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], 1)


class ConditionedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, embedding: int):
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(GROUPS, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, 2 * outputs))
        # The third place is the published network's dropout, which is off.
        self.out_layers = nn.Sequential(nn.GroupNorm(GROUPS, outputs), nn.SiLU(), nn.Identity(),
                                        nn.Conv2d(outputs, outputs, 3, padding=1))
        self.skip_connection = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, embedding):
        scale, shift = self.emb_layers(embedding)[..., None, None].chunk(2, 1)
        h = self.out_layers[0](self.in_layers(x)) * (1 + scale) + shift
        return self.skip_connection(x) + self.out_layers[1:](h)


def windows_of(x: torch.Tensor, side: int) -> torch.Tensor:
    """[n, c, h, w] to [n · windows, side², c]."""
    n, c, h, w = x.shape
    return x.view(n, c, h // side, side, w // side, side).permute(0, 2, 4, 3, 5, 1).reshape(-1, side * side, c)


def from_windows(windows: torch.Tensor, side: int, height: int, width: int) -> torch.Tensor:
    c = windows.shape[-1]
    x = windows.view(-1, height // side, width // side, side, side, c)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(-1, c, height, width)


def shift_mask(height: int, width: int, side: int, shift: int) -> torch.Tensor:
    """[windows, side², side²]: what is meant to keep pixels apart that only the cyclic shift brought together.

    As published, it does not quite: only rows are told apart, not columns, and a window's pixels are numbered by
    columns here and by rows everywhere else. The checkpoint was trained with this mask, so it stays.
    """
    row = torch.arange(height)
    region = ((row >= height - side).float() + (row >= height - shift).float())[:, None].expand(height, width)
    labels = windows_of(region[None, None], side).view(-1, side, side).transpose(1, 2).flatten(1)
    return torch.where(labels[:, None] == labels[:, :, None], 0.0, MASKED)


class WindowAttention(nn.Module):
    def __init__(self, width: int, side: int, heads: int):
        super().__init__()
        self.heads, self.side = heads, side
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * side - 1) ** 2, heads))
        y, x = (t.flatten() for t in torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"))
        offset = (y[:, None] - y + side - 1) * (2 * side - 1) + (x[:, None] - x + side - 1)
        self.register_buffer("relative_position_index", offset)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x, mask):
        """[m, side², c], with a mask for each of the windows of an image, or none."""
        m, tokens, c = x.shape
        q, k, v = self.qkv(x).view(m, tokens, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        logits = (q * (c // self.heads) ** -0.5) @ k.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)]
        logits = logits + bias.view(tokens, tokens, self.heads).permute(2, 0, 1)
        if mask is not None:
            count = mask.shape[0]
            logits = (logits.view(m // count, count, self.heads, tokens, tokens) + mask[:, None]).view(logits.shape)
        return self.proj((logits.softmax(-1) @ v).transpose(1, 2).reshape(m, tokens, c))


class Mlp(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(width, hidden, 1), nn.Conv2d(hidden, width, 1)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    def __init__(self, shape: UNetShape, nominal: int, shifted: bool):
        super().__init__()
        self.side = min(shape.window, nominal)
        self.shift = shape.window // 2 if shifted and nominal > shape.window else 0
        self.norm1, self.norm2 = (nn.GroupNorm(GROUPS, shape.attention) for _ in range(2))
        self.attn = WindowAttention(shape.attention, self.side, shape.heads)
        self.mlp = Mlp(shape.attention, shape.attention * shape.mlp)
        # Stored in the checkpoint for the nominal side; made anew for the side at hand.
        self.register_buffer("attn_mask", shift_mask(nominal, nominal, self.side, self.shift) if self.shift else None)

    def forward(self, x):
        height, width = x.shape[2:]
        h, mask = self.norm1(x), None
        if self.shift:
            h = torch.roll(h, (-self.shift, -self.shift), (2, 3))
            mask = shift_mask(height, width, self.side, self.shift).to(x)
        h = from_windows(self.attn(windows_of(h, self.side), mask), self.side, height, width)
        if self.shift:
            h = torch.roll(h, (self.shift, self.shift), (2, 3))
        x = x + h
        return x + self.mlp(self.norm2(x))


class Projection(nn.Module):
    """A 1x1 convolution under the name that the checkpoint gives it."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.proj = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        return self.proj(x)


class SwinLayer(nn.Module):
    """To the attention's width, Swin blocks, and back; there is no skip around it."""

    def __init__(self, width: int, nominal: int, shape: UNetShape):
        super().__init__()
        self.patch_embed = Projection(width, shape.attention)
        self.blocks = nn.ModuleList(SwinBlock(shape, nominal, shifted=i % 2 == 1) for i in range(shape.swin_blocks))
        self.patch_unembed = Projection(shape.attention, width)

    def forward(self, x):
        x = self.patch_embed(x)
        for block in self.blocks:
            x = block(x)
        return self.patch_unembed(x)


class Smaller(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x):
        return self.op(x)


class Larger(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class Stage(nn.Sequential):
    """Layers of which some take the embedding."""

    def forward(self, x, embedding):
        for layer in self:
            x = layer(x, embedding) if isinstance(layer, ConditionedResidual) else layer(x)
        return x


class UNet(nn.Module):
    """(scaled state, step, small image) to the estimate of the clean latent; sides are multiples of 64."""

    def __init__(self, shape: UNetShape = UNetShape()):
        super().__init__()
        self.shape = shape
        embedding = 4 * shape.width
        self.time_embed = nn.Sequential(nn.Linear(shape.width, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        width, side = shape.multipliers[0] * shape.width, shape.nominal
        self.input_blocks = nn.ModuleList([Stage(nn.Conv2d(shape.inputs, width, 3, padding=1))])
        skips = [width]
        for level, multiplier in enumerate(shape.multipliers):
            wide = multiplier * shape.width
            for index in range(shape.blocks):
                layers = [ConditionedResidual(width, wide, embedding)]
                if index == 0:
                    layers.append(SwinLayer(wide, side, shape))
                self.input_blocks.append(Stage(*layers))
                width = wide
                skips.append(width)
            if level < len(shape.multipliers) - 1:
                self.input_blocks.append(Stage(Smaller(width)))
                skips.append(width)
                side //= 2
        self.middle_block = Stage(ConditionedResidual(width, width, embedding), SwinLayer(width, side, shape),
                                  ConditionedResidual(width, width, embedding))
        self.output_blocks = nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(shape.multipliers))):
            wide = multiplier * shape.width
            for index in range(shape.blocks + 1):
                layers = [ConditionedResidual(width + skips.pop(), wide, embedding)]
                width = wide
                if index == 0:
                    layers.append(SwinLayer(width, side, shape))
                if level and index == shape.blocks:
                    layers.append(Larger(width))
                    side *= 2
                self.output_blocks.append(Stage(*layers))
        self.out = nn.Sequential(nn.GroupNorm(GROUPS, width), nn.SiLU(), nn.Conv2d(width, shape.outputs, 3, padding=1))

    def forward(self, state, step, small):
        embedding = self.time_embed(time_embedding(step, self.shape.width))
        h, skips = torch.cat([state, small], 1), []
        for stage in self.input_blocks:
            h = stage(h, embedding)
            skips.append(h)
        h = self.middle_block(h, embedding)
        for stage in self.output_blocks:
            h = stage(torch.cat([h, skips.pop()], 1), embedding)
        return self.out(h)
