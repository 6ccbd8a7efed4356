"""Guided targets of the one-step student: what the teacher's sampler, with guidance, makes of an image and a noise.

The gradient is taken into the target, never into the student's output, where it would have no effect on training."""

from pathlib import Path

import numpy as np
import torch

from .batches import anywhere, symmetry
from .consistency import in_null_space
from .guidance import Guidance, guided, rms
from .noise import normal_field
from .presets import Preset
from .samplers import sampled
from .shift_network import ShiftResolver
from .spectrum import band_weights, log_spectrum, spectral_loss

LEVELS = 127.5  # of a step of 1 in -1…1


def as_levels(image: torch.Tensor) -> np.ndarray:
    return (image[0, 0].cpu().numpy().astype(np.float64) + 1) * LEVELS


def from_levels(plane: np.ndarray) -> torch.Tensor:
    return torch.from_numpy((plane / LEVELS - 1).astype(np.float32))[None, None]


@torch.no_grad()
def sampled_image(network: ShiftResolver, small: np.ndarray, *, seed: int | None, steps: int, guidance: Guidance | None,
                  ) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Levels [s·h, s·w] from levels [h, w] by the deterministic sampler, and the losses of guidance. No seed: no noise."""
    device = next(network.parameters()).device
    low = from_levels(small).to(device)
    y = network.start_image(low)
    height, width = y.shape[2:]
    noise = torch.zeros_like(y)
    if seed is not None:
        field = normal_field(seed, 0, height, width).astype(np.float32)
        noise = torch.from_numpy(field)[None, None].to(device)
    losses: list[tuple[float, float]] = []

    def correct(estimate: torch.Tensor, index: int) -> torch.Tensor:
        found, made = guided(as_levels(estimate), small.astype(np.float64), guidance)
        losses.extend(made)
        return from_levels(found).to(device)

    def estimate(x: torch.Tensor, step: int) -> torch.Tensor:
        return network(x, low, torch.full((1,), step, dtype=torch.long, device=device))

    states = sampled(estimate, network.schedule.thinned(steps), y, [noise], stochastic=False,
                     correct=correct if guidance else None)
    return as_levels(states[-1]), losses


def guided_target(network: ShiftResolver, small: np.ndarray, high: np.ndarray, seed: int, guidance: Guidance,
                  strength: float) -> np.ndarray:
    """x_teach - c g, with the large image's own spectrum as aim; c makes the step `strength` deviations of the residual."""
    teacher, _ = sampled_image(network, small, seed=seed, steps=len(network.schedule.roots), guidance=guidance)
    _, gradient = spectral_loss(teacher, log_spectrum(high), guidance.prior.deviations, band_weights(network.scale),
                                one_sided=True)
    change = in_null_space(gradient, network.scale)
    size = rms(change)
    return teacher if size == 0 else teacher - strength * guidance.deviation / size * change


class TargetBatches:
    """Patches of small image, large image, target and noise, all in -1…1; batch n depends on (seed, n) alone."""

    def __init__(self, preset: Preset, folder: Path):
        self.preset, self.items = preset, []
        files = sorted(folder.glob("*.npz"))
        if not files:
            raise SystemExit(f"There are no targets in {folder}. Write them with make_targets.py first.")
        for file in files:
            with np.load(file) as shard:
                item = {name: shard[name] for name in ("low", "high", "target", "seed")}
            if min(item["low"].shape) >= preset.patch:
                self.items.append(item)

    def batch(self, number: int) -> tuple[torch.Tensor, ...]:
        rng = np.random.default_rng((self.preset.seed, number))
        side, scale = self.preset.patch, self.preset.scale
        wide, parts = side * scale, ([], [], [], [])
        for index in rng.integers(len(self.items), size=self.preset.batch):
            item, turn = self.items[index], int(rng.integers(8))
            y, x = anywhere(item["low"], side, rng)
            top, left = y * scale, x * scale
            noise = normal_field(int(item["seed"]), 0, wide, wide, top, left)
            patches = [item["low"][y : y + side, x : x + side],
                       *(item[name][top : top + wide, left : left + wide] for name in ("high", "target")), noise]
            for part, patch in zip(parts, patches):
                part.append(symmetry(patch, turn).astype(np.float32)[None])
        stacked = [torch.from_numpy(np.ascontiguousarray(np.stack(part))) for part in parts]
        return (*(images / LEVELS - 1 for images in stacked[:3]), stacked[3])
