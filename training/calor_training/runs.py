"""One training run: rate, optimiser, running average, checkpoint. Stopped at any time, it goes on from the last one."""

import copy
import dataclasses
import math
import time
from pathlib import Path

import torch

from .muon import Muon
from .networks import parameter_count
from .presets import Preset

AVERAGING = 0.999  # of the weights that are exported
LONGEST_STEP = 10.0  # seconds; a step that took longer was suspended, and the rest is not counted as training time
LOG_EVERY = 50


def rate(preset: Preset, step: int) -> float:
    """Linear warm-up, a constant part unless `decay` is 1, then a cosine to zero unless `decay` is 0."""
    falling = max(0.0, 1 - (1 - step / preset.steps) / preset.decay) if preset.decay else 0.0
    return preset.rate * min(1, (step + 1) / preset.warmup) * 0.5 * (1 + math.cos(math.pi * falling))


def save(path: Path, state: dict) -> None:
    """Writes beside the file, then renames: an interrupted write leaves the old checkpoint."""
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


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


class Run:
    """`network` is trained in place; `average` is what is exported; the checkpoint is FOLDER/last.pt. `settings` are those
    of the loss that the preset does not hold, by the names of their options."""

    def __init__(self, network: torch.nn.Module, preset: Preset, folder: Path, checkpoint_minutes: float,
                 settings: dict[str, float | str] | None = None):
        self.preset, self.network, self.settings = preset, network, settings or {}
        self.average = copy.deepcopy(network)
        self.optimisers = Optimisers(network, preset)
        self.path, self.interval = folder / "last.pt", 60 * checkpoint_minutes
        self.step, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self.resume()
        self.total, self.counted, self.saved, self.began = 0.0, 0, time.monotonic(), time.monotonic()
        device = next(network.parameters()).device
        print(f"{preset.name}: {parameter_count(network)} parameters, step {self.step} of {preset.steps}, {device}",
              flush=True)

    def resume(self) -> None:
        """The number of steps may differ from that of the checkpoint; nothing else may."""
        device = next(self.network.parameters()).device
        state = torch.load(self.path, map_location=device, weights_only=True)
        # A setting that was added since has its default there.
        defaults = {f.name: f.default for f in dataclasses.fields(self.preset) if f.default is not dataclasses.MISSING}
        same = {**defaults, **state["preset"], "steps": 0} == {**dataclasses.asdict(self.preset), "steps": 0}
        if not same or state.get("settings", self.settings) != self.settings:
            raise SystemExit(f"{self.path} belongs to other settings. Choose another --out, or remove it.")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimisers.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]

    @property
    def finished(self) -> bool:
        return self.step >= self.preset.steps

    def advance(self, loss: torch.Tensor) -> None:
        """One step down the gradient of this loss; a line every 50 steps."""
        self.optimisers.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimisers.step(rate(self.preset, self.step))
        self.step += 1
        momentum = min(AVERAGING, self.step / (self.step + 10))
        with torch.no_grad():
            for kept, current in zip(self.average.parameters(), self.network.parameters()):
                kept.lerp_(current, 1 - momentum)
        self.total, self.counted = self.total + loss.item(), self.counted + 1
        now = time.monotonic()
        self.seconds, self.began = self.seconds + min(now - self.began, LONGEST_STEP), now
        if self.step % LOG_EVERY == 0:
            print(f"step {self.step}  loss {self.total / self.counted:.5f}  rate {rate(self.preset, self.step):.2e}  "
                  f"minutes {self.seconds / 60:.1f}", flush=True)
            self.total, self.counted = 0.0, 0
        if self.finished or now - self.saved > self.interval:
            self.checkpoint()

    def checkpoint(self) -> None:
        save(self.path, {"network": self.network.state_dict(), "average": self.average.state_dict(),
                         "optimiser": self.optimisers.state_dict(), "step": self.step, "seconds": self.seconds,
                         "preset": dataclasses.asdict(self.preset), "settings": self.settings})
        self.saved = time.monotonic()


def average_of(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, map_location="cpu", weights_only=True)["average"]
