"""Trains one preset. Stop it at any time; the same command goes on from the last checkpoint."""

import argparse
import copy
import dataclasses
import math
import time
from pathlib import Path

import torch

from calor_training.batches import batches
from calor_training.muon import Muon
from calor_training.networks import build, parameter_count
from calor_training.presets import PRESETS, Preset
from calor_training.transplant import grow, transplanted, weights_of_onnx
from calor_training.watching import watched

ROOT = Path(__file__).resolve().parent.parent
CHARBONNIER = 1e-3  # the loss is |difference| rounded off below this
AVERAGING = 0.999  # of the weights that are exported
LONGEST_STEP = 10.0  # seconds; a step that took longer was suspended, and the rest is not counted as training time


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", required=True, choices=PRESETS)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with train/ and test/")
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs", help="checkpoints go to OUT/PRESET")
    parser.add_argument("--steps", type=int, help="instead of the preset's number")
    parser.add_argument("--seed", type=int, help="instead of the preset's number")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fp32", action="store_true", help="keep the trunk in 32 bits (default: bfloat16 products)")
    parser.add_argument("--watch", type=int, default=250, help="steps between measurements on held-out images")
    parser.add_argument("--checkpoint-minutes", type=float, default=2)
    return parser.parse_args()


def rate(preset: Preset, step: int) -> float:
    """Linear warm-up, a constant part unless `decay` is 1, then a cosine to zero."""
    falling = max(0.0, 1 - (1 - step / preset.steps) / preset.decay)
    return preset.rate * min(1, (step + 1) / preset.warmup) * 0.5 * (1 + math.cos(math.pi * falling))


class Optimisers:
    """Adam for all, or Muon for the trunk's 3x3 convolutions and Adam for the rest."""

    def __init__(self, network: torch.nn.Module, preset: Preset):
        hidden = [p for n, p in network.named_parameters()
                  if preset.optimiser == "muon" and p.ndim == 4 and n.startswith("trunk.") and "entry" not in n]
        kept = {id(p) for p in hidden}
        rest = [p for p in network.parameters() if id(p) not in kept]
        self.parts = [torch.optim.Adam(rest, lr=preset.rate, betas=(0.9, 0.99))]
        if hidden:
            self.parts.append(Muon(hidden, lr=preset.rate))

    def step(self, lr: float) -> None:
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = lr
            part.step()

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad()

    def state_dict(self) -> list[dict]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)


def loss_of(output: torch.Tensor, targets: torch.Tensor, preset: Preset, step: int) -> torch.Tensor:
    """Charbonnier's; in the last `rms` of the steps the root of each patch's mean square, nearer to PSNR."""
    square = (output - targets).square()
    if step >= preset.steps * (1 - preset.rms):
        return torch.sqrt(square.mean((1, 2, 3)) + CHARBONNIER**2).mean()
    return torch.sqrt(square + CHARBONNIER**2).mean()


def start_weights(network: torch.nn.Module, preset: Preset, out: Path) -> None:
    """Takes over the weights of the preset named in `start_from`: from its run, or else from its exported model."""
    source = PRESETS[preset.start_from]
    path, exported = out / source.name / "last.pt", ROOT / "models" / source.name.removesuffix("-first") / "model.onnx"
    if path.exists():
        trained = torch.load(path, map_location="cpu", weights_only=True)["average"]
    elif exported.exists():
        path, trained = exported, weights_of_onnx(exported)
    else:
        raise SystemExit(f"{preset.name} starts from {source.name}, but there is no {path}. Train that one first.")
    print(f"starting from {path}", flush=True)
    weights = transplanted(trained, source, preset)
    if (source.width, source.blocks) != (preset.width, preset.blocks):
        grow(network, weights)
        return
    missing = network.load_state_dict(weights, strict=False)
    assert not missing.unexpected_keys and set(missing.missing_keys) <= {"bicubic"}, missing


def save(path: Path, state: dict) -> None:
    """Writes beside the file, then renames: an interrupted write leaves the old checkpoint."""
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def main() -> None:
    options = arguments()
    changes = {k: v for k in ("steps", "seed") if (v := getattr(options, k)) is not None}
    preset = dataclasses.replace(PRESETS[options.preset], **changes)
    torch.set_num_threads(options.threads)
    torch.manual_seed(preset.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    network = build(preset)
    run = options.out / preset.name
    run.mkdir(parents=True, exist_ok=True)
    checkpoint = run / "last.pt"
    if preset.start_from and not checkpoint.exists():
        start_weights(network, preset, options.out)
    network = network.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    optimiser = Optimisers(network, preset)
    step, seconds = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, seconds = state["step"], state["seconds"]
        if {**state["preset"], "steps": 0} != {**dataclasses.asdict(preset), "steps": 0}:
            raise SystemExit(f"{checkpoint} belongs to other settings. Choose another --out, or remove it.")

    source = batches(preset, options.data, options.out / "prepared")
    print(f"{preset.name}: {parameter_count(network)} parameters, step {step} of {preset.steps}, {device}", flush=True)
    total, counted, saved = 0.0, 0, time.monotonic()
    while step < preset.steps:
        began = time.monotonic()
        inputs, targets = (t.to(device, memory_format=torch.channels_last) for t in source.batch(step))
        output = network(inputs, half=not options.fp32)
        loss = loss_of(output, targets, preset, step)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step(rate(preset, step))
        step += 1
        momentum = min(AVERAGING, step / (step + 10))
        with torch.no_grad():
            for kept, current in zip(average.parameters(), network.parameters()):
                kept.lerp_(current, 1 - momentum)
        total, counted = total + loss.item(), counted + 1
        seconds += min(time.monotonic() - began, LONGEST_STEP)
        if step % 50 == 0:
            print(f"step {step}  loss {total / counted:.5f}  rate {rate(preset, step):.2e}  "
                  f"minutes {seconds / 60:.1f}", flush=True)
            total, counted = 0.0, 0
        if preset.soft and step % options.watch == 0:
            print(f"step {step}  held out: {watched(average, preset, options.data)}", flush=True)
        if step == preset.steps or time.monotonic() - saved > 60 * options.checkpoint_minutes:
            save(checkpoint, {"network": network.state_dict(), "average": average.state_dict(),
                              "optimiser": optimiser.state_dict(), "step": step, "seconds": seconds,
                              "preset": dataclasses.asdict(preset)})
            saved = time.monotonic()


if __name__ == "__main__":
    main()
