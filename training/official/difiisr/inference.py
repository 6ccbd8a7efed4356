"""The released inference: one deterministic step from the last noise, tile by tile, averaged where tiles overlap.

Without the released code's guidance, which needs the true image."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from calor_training.shifting import Schedule

SCALE = 4
SCHEDULE = Schedule.published(15, least_noise=0.04, kappa=2.0, clamped=True)
MULTIPLE = 64  # sides of a small image are padded to it by reflection
STRIDES = {512: 448, 256: 224, 64: 48}  # of tiles, by their side, in pixels of the small image

Noise = Callable[[torch.Size], torch.Tensor]


def load(network: nn.Module, path: Path) -> None:
    """A published checkpoint: its tensors may be under `state_dict`, with the prefix of a wrapper."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    take(network, stored.get("state_dict", stored), str(path))


def take(network: nn.Module, stored: dict[str, torch.Tensor], source: str) -> None:
    """The tensors by their published names; `source` is what a refusal calls them."""
    weights = {name.removeprefix("module.").replace("._orig_mod", ""): value for name, value in stored.items()}
    missing, unexpected = network.load_state_dict(weights, strict=False)
    # Masks and indices are computed; a training checkpoint of the autoencoder also carries its loss.
    lost = [name for name in missing if not name.endswith(("attn_mask", "relative_position_index"))]
    if lost:
        raise SystemExit(f"{source} lacks {len(lost)} tensors of this network, the first of them {lost[0]}. Is it the other one?")
    if foreign := [name for name in unexpected if not name.startswith("loss.")]:
        raise SystemExit(f"{source} has {len(foreign)} tensors that this network lacks, the first of them {foreign[0]}.")


@torch.no_grad()
def one_step(unet: nn.Module, autoencoder: nn.Module, small: torch.Tensor, noise: Noise) -> torch.Tensor:
    """[n, 3, h, w] in -1…1, sides multiples of 64, to [n, 3, 4h, 4w]."""
    y = autoencoder.encode(F.interpolate(small, scale_factor=SCALE, mode="bicubic"))
    last = len(SCHEDULE.roots) - 1
    state = y + float(SCHEDULE.noise[last]) * noise(y.shape)
    steps = torch.full((len(small),), last, device=small.device)
    estimate = unet(state / float(SCHEDULE.divisor("latent")[last]), steps, small)
    return autoencoder.decode(estimate)


def tile_starts(length: int, tile: int, stride: int) -> list[int]:
    """Every `stride`, the last ones moved back to end with the image."""
    if length <= tile:
        return [0]
    return list(dict.fromkeys(min(start, length - tile) for start in range(0, length, stride)))


@torch.no_grad()
def enlarged(unet: nn.Module, autoencoder: nn.Module, image: torch.Tensor, noise: Noise, tile: int = 512) -> torch.Tensor:
    """[n, 3, h, w] in 0…1 to four times the size, as the released program does it."""
    n, c, height, width = image.shape
    total = torch.zeros(n, c, height * SCALE, width * SCALE)
    count = torch.zeros_like(total)
    for top in tile_starts(height, tile, STRIDES[tile]):
        for left in tile_starts(width, tile, STRIDES[tile]):
            part = image[:, :, top : top + tile, left : left + tile] * 2 - 1
            h, w = part.shape[2:]
            padded = F.pad(part, (0, -w % MULTIPLE, 0, -h % MULTIPLE), mode="reflect")
            found = one_step(unet, autoencoder, padded, noise)[:, :, : h * SCALE, : w * SCALE].clamp(-1, 1)
            area = slice(top * SCALE, (top + h) * SCALE), slice(left * SCALE, (left + w) * SCALE)
            total[:, :, *area] += found
            count[:, :, *area] += 1
    return total / count * 0.5 + 0.5
