"""PSNR of a network on the held-out images of `train/ir`, as they are and softened, while it is being trained."""

import functools
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .images import image_paths, read_grey
from .metrics import psnr
from .pairs import held_out, pair_of, softened
from .presets import Preset


@functools.cache
def watched_pairs(preset: Preset, data: Path) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    rng = np.random.default_rng(0)
    planes = [read_grey(p) for i, p in enumerate(image_paths(data / "train/ir")) if held_out(i)]
    return {"plain": [pair_of(plane, preset.scale) for plane in planes],
            "softened": [pair_of(softened(plane, rng), preset.scale) for plane in planes]}


@torch.no_grad()
def watched(network: nn.Module, preset: Preset, data: Path) -> str:
    device = next(network.parameters()).device
    parts = []
    for name, pairs in watched_pairs(preset, data).items():
        values = []
        for low, high in pairs:
            x = torch.from_numpy(np.ascontiguousarray(low, np.float32) / 255)[None, None].to(device)
            found = network(x)[0, 0].clamp(0, 1).cpu().numpy() * 255
            values.append(psnr(np.rint(found), high))
        parts.append(f"{name} {np.mean(values):.3f} dB")
    return ", ".join(parts)
