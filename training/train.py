"""Trains one preset. Stop it at any time; the same command goes on from the last checkpoint."""

import argparse
import dataclasses
from pathlib import Path

import torch

from calor_training.arithmetic import add_option, settle
from calor_training.batches import batches
from calor_training.networks import build
from calor_training.presets import PRESETS, Preset
from calor_training.runs import Run
from calor_training.transplant import grow, start_state, transplanted
from calor_training.watching import watched

ROOT = Path(__file__).resolve().parent.parent
CHARBONNIER = 1e-3  # the loss is |difference| rounded off below this


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", required=True, choices=[p for p in PRESETS if PRESETS[p].purpose != "residual-shift"])
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with train/ and test/")
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs", help="checkpoints go to OUT/PRESET")
    parser.add_argument("--steps", type=int, help="instead of the preset's number")
    parser.add_argument("--seed", type=int, help="instead of the preset's number")
    parser.add_argument("--threads", type=int, default=2)
    add_option(parser)
    parser.add_argument("--watch", type=int, default=250, help="steps between measurements on held-out images")
    parser.add_argument("--checkpoint-minutes", type=float, default=2)
    return parser.parse_args()


def loss_of(output: torch.Tensor, targets: torch.Tensor, preset: Preset, step: int) -> torch.Tensor:
    """Charbonnier's; in the last `rms` of the steps the root of each patch's mean square, nearer to PSNR."""
    square = (output - targets).square()
    if step >= preset.steps * (1 - preset.rms):
        return torch.sqrt(square.mean((1, 2, 3)) + CHARBONNIER**2).mean()
    return torch.sqrt(square + CHARBONNIER**2).mean()


def start_weights(network: torch.nn.Module, preset: Preset, out: Path) -> None:
    """Takes over the weights of the preset named in `start_from`: from its run, or else from its exported model."""
    source = PRESETS[preset.start_from]
    _, trained = start_state(preset, out)
    weights = transplanted(trained, source, preset)
    if (source.width, source.blocks) != (preset.width, preset.blocks):
        grow(network, weights)
        return
    missing = network.load_state_dict(weights, strict=False)
    assert not missing.unexpected_keys and set(missing.missing_keys) <= {"bicubic"}, missing


def main() -> None:
    options = arguments()
    changes = {k: v for k in ("steps", "seed") if (v := getattr(options, k)) is not None}
    preset = dataclasses.replace(PRESETS[options.preset], **changes)
    torch.set_num_threads(options.threads)
    torch.manual_seed(preset.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    half = settle(options.arithmetic, device)

    network, folder = build(preset), options.out / preset.name
    if preset.start_from and not (folder / "last.pt").exists():
        start_weights(network, preset, options.out)
    source = batches(preset, options.data, options.out / "prepared")
    run = Run(network.to(device, memory_format=torch.channels_last), preset, folder, options.checkpoint_minutes)
    while not run.finished:
        inputs, targets = (t.to(device, memory_format=torch.channels_last) for t in source.batch(run.step))
        output = run.network(inputs, half=half)
        run.advance(loss_of(output, targets, preset, run.step))
        if preset.soft and run.step % options.watch == 0:
            print(f"step {run.step}  held out: {watched(run.average, preset, options.data)}", flush=True)


if __name__ == "__main__":
    main()
