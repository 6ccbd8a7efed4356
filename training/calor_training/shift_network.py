"""The network of the residual-shifting process: it sees the noisy residual over the bicubic image and estimates the
clean image. All of it runs at the size of the small image; images are in -1…1.

Source: ../shared/design/algorithms.md 7.2."""

import torch
from torch import nn
from torch.nn import functional as F

from .networks import SLOPE, ResidualBlock, Trunk, bicubic_phases, small_head
from .presets import Preset
from .shifting import OWN, RESIDUAL_DEVIATION, Schedule


class ConditionedBlock(ResidualBlock):
    """A residual block whose first convolution is scaled and shifted by a table with one row for each step."""

    def __init__(self, width: int, steps: int):
        super().__init__(width)
        self.scale = nn.Parameter(torch.zeros(steps, width))
        self.shift = nn.Parameter(torch.zeros(steps, width))

    def forward(self, x, step):
        h = self.first(x) * (1 + self.scale[step])[..., None, None] + self.shift[step][..., None, None]
        return x + self.second(F.leaky_relu(h, SLOPE))


class ConditionedTrunk(Trunk):
    def __init__(self, entry: nn.Conv2d, width: int, blocks: int, steps: int):
        super().__init__(entry, width, 0)
        self.blocks = nn.ModuleList(ConditionedBlock(width, steps) for _ in range(blocks))

    def forward(self, x, step):
        features = self.entry(x)
        y = features
        for block in self.blocks:
            y = block(y, step)
        return self.exit(y) + features


class ShiftResolver(nn.Module):
    """(state [n, 1, s·h, s·w], small image [n, 1, h, w], step [n]) to the estimate of the clean image."""

    def __init__(self, scale: int, width: int, blocks: int, schedule: Schedule, deviation: float):
        super().__init__()
        self.scale, self.schedule, self.deviation = scale, schedule, deviation
        entry = nn.Conv2d(scale * scale + 1, width, 3, padding=1)
        self.trunk = ConditionedTrunk(entry, width, blocks, len(schedule.roots))
        self.head = small_head(width, scale * scale)
        self.register_buffer("bicubic", torch.from_numpy(bicubic_phases(scale)))
        for name, table in zip(("c_in", "c_skip", "c_out"), schedule.conditioning(deviation)):
            self.register_buffer(name, torch.tensor(table, dtype=torch.float32)[:, None, None, None])

    def enlarged_phases(self, small):
        return F.conv2d(F.pad(small, (2, 2, 2, 2), mode="replicate"), self.bicubic)

    def enlarged(self, small):
        """u: the bicubic enlargement, which is the y of the process."""
        return F.pixel_shuffle(self.enlarged_phases(small), self.scale)

    def unit_output(self, residual, small, step, half: bool):
        """F, of unit variance, from a residual of unit variance; both as phases."""
        with torch.autocast(small.device.type, torch.bfloat16, enabled=half):
            features = self.trunk(torch.cat([residual, small * 0.5 + 0.5], 1), step)
        return self.head(features.to(small.dtype))

    def forward(self, state, small, step, half: bool = False):
        u = self.enlarged_phases(small)
        residual = F.pixel_unshuffle(state, self.scale) - u
        found = self.unit_output(self.c_in[step] * residual, small, step, half)
        return F.pixel_shuffle(u + self.c_skip[step] * residual + self.c_out[step] * found, self.scale)

    def inverted(self, clean, small, half: bool = False):
        """SinSR's inverse direction: the first state x_T that leads to `clean`. Conditioned as step 0, which marks it,
        but fed like the last step; the network's output is the noise."""
        step = torch.zeros(len(small), dtype=torch.long, device=small.device)
        u = self.enlarged_phases(small)
        residual = F.pixel_unshuffle(clean, self.scale) - u
        found = self.unit_output(self.c_in[-1] * residual, small, step, half)
        return F.pixel_shuffle(u + float(self.schedule.noise[-1]) * found, self.scale)

    @property
    def receptive_radius(self) -> int:
        """In small pixels: one for each 3x3 convolution, and two for the bicubic before them."""
        return 1 + 2 * len(self.trunk.blocks) + 1 + 1 + 2


def build_shift(preset: Preset) -> ShiftResolver:
    return ShiftResolver(preset.scale, preset.width, preset.blocks, OWN[preset.scale], RESIDUAL_DEVIATION[preset.scale])


@torch.no_grad()
def take_over(network: ShiftResolver, weights: dict[str, torch.Tensor]) -> None:
    """Starts from a super-resolver of the same width and depth: from no residual, each step then estimates what that
    network would return, up to the step's own gain."""
    entry = network.trunk.entry
    entry.weight.zero_()
    entry.weight[:, -1:] = weights["trunk.entry.weight"]
    entry.bias.copy_(weights["trunk.entry.bias"])
    rest = {k: v for k, v in weights.items() if k.startswith("trunk.") and "entry" not in k}
    missing = network.load_state_dict(rest, strict=False)
    assert not missing.unexpected_keys, missing.unexpected_keys
    # The super-resolver's residual is in 0…1, twice as much in -1…1.
    gain = 2 / network.c_out[-1].item()
    network.head.weight.copy_(weights["head.weight"] * gain)
    network.head.bias.copy_(weights["head.bias"] * gain)
