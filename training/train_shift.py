"""Trains a residual-shift preset: the four-step teacher on images, or the one-step student on guided targets.

`--preset ir-x4-shift` starts from the weights of `ir-x4-best-first`, `enhance-ir-shift` and `enhance-rgb-shift` from those of
`enhance-ir` and `enhance-rgb-fifth`; `--preset ir-x4-one-step` starts from the teacher and
follows the targets that `make_targets.py` wrote. Stop it at any time; the same command goes on.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch

from calor_training.arithmetic import add_option, settle
from calor_training.batches import batches
from calor_training.presets import PRESETS, Preset
from calor_training.runs import Run
from calor_training.shift_network import ShiftResolver, build_shift, start_shift
from calor_training.targets import TargetBatches

ROOT = Path(__file__).resolve().parent.parent
CHARBONNIER = 2e-3
SPECTRAL = 2e-3  # weight of the spectral term
AMPLITUDE_FLOOR = 1.0  # of the log-amplitude: the noise of rounding to 8 bit on a patch, in -1…1 times its side
WITHOUT_NOISE = 0.25  # share of the samples whose process has no noise, so that it can be left out
TRUTH = 1.0  # weight of the term that keeps the student consistent with real images


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", required=True, choices=[p for p in PRESETS if PRESETS[p].purpose == "residual-shift" and "distilled" not in p])
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with train/")
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs", help="checkpoints go to OUT/PRESET")
    parser.add_argument("--targets", type=Path, help="of the student (default: OUT/targets)")
    parser.add_argument("--steps", type=int, help="instead of the preset's number")
    parser.add_argument("--threads", type=int, default=2)
    add_option(parser)
    parser.add_argument("--checkpoint-minutes", type=float, default=2)
    return parser.parse_args()


def charbonnier(difference: torch.Tensor) -> torch.Tensor:
    return torch.sqrt(difference.square() + CHARBONNIER**2).mean()


def spectral(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Mean difference of the log-amplitudes of whole patches."""
    a, b = (torch.log(torch.fft.rfft2(x, norm="ortho").abs() + AMPLITUDE_FLOOR / 127.5) for x in (found, wanted))
    return (a - b).abs().mean()


class Teacher:
    """x̂0 at a random step of the process, from exact and camera pairs in turn."""

    def __init__(self, preset: Preset, options: argparse.Namespace):
        self.preset = preset
        cache = options.out / "prepared"
        self.exact = batches(preset, options.data, cache)
        camera = dataclasses.replace(preset, family="camera", soft=0.0, pairs=False)
        self.camera = batches(camera, options.data, cache) if preset.camera else None

    def loss(self, network: ShiftResolver, number: int, half: bool, device: torch.device) -> torch.Tensor:
        rng = np.random.default_rng((self.preset.seed, number, 1))
        source = self.camera if self.camera and rng.random() < self.preset.camera else self.exact
        small, clean = (2 * t.to(device, memory_format=torch.channels_last) - 1 for t in source.batch(number))
        count, schedule = len(small), network.schedule
        noise = rng.standard_normal(clean.shape, dtype=np.float32)
        noise *= (rng.random(count) >= WITHOUT_NOISE)[:, None, None, None]
        step = torch.from_numpy(rng.integers(len(schedule.roots), size=count)).to(device)
        eta, deviation = (torch.tensor(t, dtype=torch.float32, device=device)[step][:, None, None, None]
                          for t in (schedule.eta, schedule.noise))
        state = clean + eta * (network.start_image(small) - clean) + deviation * torch.from_numpy(noise).to(device)
        found = network(state, small, step, half=half)
        return charbonnier(found - clean) + SPECTRAL * spectral(found, clean)


class Student:
    """SinSR's three terms at the last step: to the guided target, to the truth through the inverse, and the inverse."""

    def __init__(self, preset: Preset, options: argparse.Namespace):
        self.source = TargetBatches(preset, options.targets or options.out / "targets")

    def loss(self, network: ShiftResolver, number: int, half: bool, device: torch.device) -> torch.Tensor:
        small, clean, target, noise = (t.to(device, memory_format=torch.channels_last)
                                       for t in self.source.batch(number))
        last = torch.full((len(small),), len(network.schedule.roots) - 1, dtype=torch.long, device=device)
        start = network.start_image(small) + float(network.schedule.noise[-1]) * noise
        follow = charbonnier(network(start, small, last, half=half) - target)
        with torch.no_grad():
            state = network.inverted(clean, small, half=half)
        truth = charbonnier(network(state, small, last, half=half) - clean)
        inverse = (network.inverted(target, small, half=half) - start).square().mean()
        return follow + TRUTH * truth + inverse


def main() -> None:
    options = arguments()
    preset = PRESETS[options.preset]
    if options.steps is not None:
        preset = dataclasses.replace(preset, steps=options.steps)
    torch.set_num_threads(options.threads)
    torch.manual_seed(preset.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    half = settle(options.arithmetic, device)
    network, folder = build_shift(preset), options.out / preset.name
    if not (folder / "last.pt").exists():
        start_shift(network, preset, options.out)
    kind = Student if PRESETS[preset.start_from].purpose == "residual-shift" else Teacher
    source = kind(preset, options)
    run = Run(network.to(device, memory_format=torch.channels_last), preset, folder, options.checkpoint_minutes)
    while not run.finished:
        run.advance(source.loss(run.network, run.step, half, device))


if __name__ == "__main__":
    main()
