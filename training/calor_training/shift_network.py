"""The network of the residual-shifting process: it sees the noisy residual over the bicubic or damaged image and
estimates the clean image. All of it runs at the size of the small image, or at half size; images are in -1…1.

Source: ../shared/design/algorithms.md 7.2."""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from . import winograd
from .networks import SLOPE, ResidualBlock, Trunk, bicubic_phases, small_head
from .presets import PRESETS, Preset
from .shifting import OWN, RESIDUAL_DEVIATION, Schedule
from .transplant import start_state


class ConditionedBlock(ResidualBlock):
    """A residual block whose first convolution is scaled and shifted by a table with one row for each step."""

    def __init__(self, width: int, steps: int):
        super().__init__(width)
        self.scale = nn.Parameter(torch.zeros(steps, width))
        self.shift = nn.Parameter(torch.zeros(steps, width))

    def forward(self, x, step):
        h = winograd.convolution(self.first, x) * (1 + self.scale[step])[..., None, None] + self.shift[step][..., None, None]
        return x + winograd.convolution(self.second, F.leaky_relu(h, SLOPE))


class ConditionedTrunk(Trunk):
    def __init__(self, entry: nn.Conv2d, width: int, blocks: int, steps: int):
        super().__init__(entry, width, 0)
        self.blocks = nn.ModuleList(ConditionedBlock(width, steps) for _ in range(blocks))


ENHANCER_FOLD = 2  # where nothing is enlarged, all of it runs at half the size of the image


class ShiftResolver(nn.Module):
    """(state [n, c, s·h, s·w], given image [n, c, h, w], step [n]) to the estimate of the clean image.

    With a scale of 1 it cleans the given image, whose sides must be even; otherwise it enlarges it.
    """

    def __init__(self, scale: int, channels: int, width: int, blocks: int, schedule: Schedule, deviation: float):
        super().__init__()
        self.scale, self.channels, self.schedule, self.deviation = scale, channels, schedule, deviation
        self.fold = scale if scale > 1 else ENHANCER_FOLD
        phases = channels * self.fold**2
        entry = nn.Conv2d(phases + (channels if scale > 1 else phases), width, 3, padding=1)
        self.trunk = ConditionedTrunk(entry, width, blocks, len(schedule.roots))
        self.head = small_head(width, phases)
        if scale > 1:
            self.register_buffer("bicubic", torch.from_numpy(bicubic_phases(scale)).repeat(channels, 1, 1, 1))
        for name, table in zip(("c_in", "c_skip", "c_out"), schedule.conditioning(deviation)):
            self.register_buffer(name, torch.tensor(table, dtype=torch.float32)[:, None, None, None])

    def phases_of_y(self, given):
        if self.scale == 1:
            return F.pixel_unshuffle(given, self.fold)
        return F.conv2d(F.pad(given, (2, 2, 2, 2), mode="replicate"), self.bicubic, groups=self.channels)

    def start_image(self, given):
        """y of the process: the bicubic enlargement, or the given image itself."""
        return F.pixel_shuffle(self.phases_of_y(given), self.fold)

    def features(self, residual, given, step, half: bool):
        """Of the trunk, from a residual of unit variance, as phases."""
        seen = (F.pixel_unshuffle(given, self.fold) if self.scale == 1 else given) * 0.5 + 0.5
        with torch.autocast(given.device.type, torch.bfloat16, enabled=half):
            return self.trunk(torch.cat([residual, seen], 1), step).to(given.dtype)

    def unit_output(self, residual, given, step, half: bool):
        """F, of unit variance, from a residual of unit variance; both as phases."""
        return self.head(self.features(residual, given, step, half))

    def forward(self, state, given, step, half: bool = False):
        y = self.phases_of_y(given)
        residual = F.pixel_unshuffle(state, self.fold) - y
        found = self.unit_output(self.c_in[step] * residual, given, step, half)
        return F.pixel_shuffle(y + self.c_skip[step] * residual + self.c_out[step] * found, self.fold)

    def inverted(self, clean, given, half: bool = False):
        """SinSR's inverse direction: the first state x_T that leads to `clean`. Conditioned as step 0, which marks it,
        but fed like the last step; the network's output is the noise."""
        step = torch.zeros(len(given), dtype=torch.long, device=given.device)
        y = self.phases_of_y(given)
        residual = F.pixel_unshuffle(clean, self.fold) - y
        found = self.unit_output(self.c_in[-1] * residual, given, step, half)
        return F.pixel_shuffle(y + float(self.schedule.noise[-1]) * found, self.fold)

    @property
    def receptive_radius(self) -> int:
        """In pixels of the given image: one for each 3x3 convolution and two for the bicubic before them, or two for
        each at half size and one more for the far pixel of a pair."""
        layers = 1 + 2 * len(self.trunk.blocks) + 1 + 1
        return layers + 2 if self.scale > 1 else self.fold * layers + 1


def build_shift(preset: Preset) -> ShiftResolver:
    return ShiftResolver(preset.scale, preset.channels, preset.width, preset.blocks, OWN[preset.scale],
                         RESIDUAL_DEVIATION[preset.scale])


def start_shift(network: ShiftResolver, preset: Preset, out: Path) -> None:
    path, weights = start_state(preset, out)
    if PRESETS[preset.start_from].purpose != "residual-shift":
        take_over(network, weights)
    else:
        network.load_state_dict(unfolded_tables(weights, network) if path.suffix == ".onnx" else weights)


def unfolded_tables(exported: dict[str, torch.Tensor], network: ShiftResolver) -> dict[str, torch.Tensor]:
    """A state of `network` from the tensors of a file that `shift_onnx` wrote: its function is the same, but the biases before the tables,
    which the file does not tell apart from them, are zero."""
    state = dict(network.state_dict())
    for name in state:
        table = exported.get(f"{name}.table")
        if name.endswith(".first.bias"):
            state[name] = torch.zeros_like(state[name])
        elif name in exported:
            state[name] = exported[name]
        elif table is not None and name.startswith("trunk."):
            state[name] = table[..., 0, 0] - (1 if name.endswith(".scale") else 0)
        elif name not in ("bicubic", "c_in", "c_skip", "c_out"):
            raise SystemExit(f"the exported model lacks {name}")
    return state


@torch.no_grad()
def take_over(network: ShiftResolver, weights: dict[str, torch.Tensor]) -> None:
    """Starts from a super-resolver or enhancer of the same width and depth: from no residual, the last step then
    estimates what that network would return, and the others the same up to their own gain."""
    entry = network.trunk.entry
    kernel = weights["trunk.entry.weight"]
    if network.scale == 1:
        kernel = unfolded(kernel, network.fold)
    entry.weight.zero_()
    entry.weight[:, -kernel.shape[1] :] = kernel
    entry.bias.copy_(weights["trunk.entry.bias"])
    rest = {k: v for k, v in weights.items() if k.startswith("trunk.") and "entry" not in k}
    missing = network.load_state_dict(rest, strict=False)
    assert not missing.unexpected_keys, missing.unexpected_keys
    # That network's residual is in 0…1, twice as much in -1…1.
    gain = 2 / network.c_out[-1].item()
    network.head.weight.copy_(weights["head.weight"] * gain)
    network.head.bias.copy_(weights["head.bias"] * gain)


def unfolded(kernel: torch.Tensor, fold: int) -> torch.Tensor:
    """[w, c, 3·fold, 3·fold] of a convolution with stride `fold` to [w, c·fold², 3, 3] after a pixel unshuffle."""
    wide, channels = kernel.shape[:2]
    return kernel.view(wide, channels, 3, fold, 3, fold).permute(0, 1, 3, 5, 2, 4).reshape(wide, -1, 3, 3)
