"""Makes a one-step student of the network that a preset starts from: a residual-shift teacher or, for the methods without
a score, an enlarger or enhancer.

`--method dynamic` is InstaRevive's idea; the others are its relatives, for comparison with an equal number of steps.
Stop it at any time; the same command goes on. The student is OUT/PRESET-METHOD/last.pt.
"""

import argparse
import copy
import dataclasses
from pathlib import Path

import numpy as np
import torch

from calor_training.arithmetic import add_option, settle
from calor_training.batches import batches
from calor_training.distillation import (METHODS, PHASE, Experts, FakeScore, Method, bridged, consistency_loss, diffused,
                                         distance, matching_gradient, matching_loss, moved, ratio_weights,
                                         regression_share, spectrum_loss, widest_step)
from calor_training.presets import PRESETS, Preset
from calor_training.runs import Run
from calor_training.shift_network import ShiftResolver, build_shift, start_shift
from calor_training.shifting import RESIDUAL_DEVIATION

ROOT = Path(__file__).resolve().parent.parent
CHARBONNIER = 2e-3
SLOWNESS = 0.95  # of the running distance


@dataclasses.dataclass(frozen=True)
class Result:
    """What the student estimates, and the steps from which it is to be matched."""

    image: torch.Tensor
    least: int
    widest: int
    state: torch.Tensor | None = None  # of the first expert: where the second would go on


class Distillation:
    """The parts of a run: student, frozen teacher, fake score, and the running distance to the truth."""

    def __init__(self, student: Run, fake: Run, teacher: ShiftResolver, method: Method, seed: int, half: bool, quiet: float):
        self.student, self.fake, self.teacher, self.method = student, fake, teacher, method
        self.seed, self.half, self.quiet = seed, half, quiet
        # A resumed run measures it anew within some twenty steps.
        self.gap = RESIDUAL_DEVIATION[teacher.scale]

    def inputs(self, batch: tuple[torch.Tensor, torch.Tensor], number: int, round_: int):
        """Given and clean image in -1…1, noises of the student's start and of diffusion, and a generator."""
        given, clean = (2 * t - 1 for t in batch)
        rng = np.random.default_rng((self.seed, number, 1 + round_))
        start, noise = (torch.from_numpy(rng.standard_normal(clean.shape, dtype=np.float32)).to(clean) for _ in range(2))
        if self.quiet:
            noisy = torch.from_numpy(rng.random(len(clean)) >= self.quiet)
            start = start * noisy.to(clean)[:, None, None, None]
        return given, clean, start, noise, rng

    def result(self, given: torch.Tensor, start: torch.Tensor, rng: np.random.Generator) -> Result:
        """Of the student from noise; on the way to an earlier step it walks without a gradient."""
        network, method = self.student.network, self.method
        last = len(network.schedule.roots) - 1
        step, phase = last, None
        if method.trajectory:
            step = int(rng.integers(0, last + 1))
        elif method.phased:
            phase = int(rng.integers(0, 2))
            step = last if phase == 0 else PHASE
        y = network.start_image(given)
        state = y + float(network.schedule.noise[-1]) * start
        now = last
        with torch.no_grad():
            while now > step:
                to = step if method.phased else now - 1
                state = moved(network.schedule, state, self.estimate(state, given, now), y, now, to)
                now = to
        found = self.estimate(state, given, step)
        if method.trajectory:
            return Result(found, max(1, step), max(1, step))
        if phase == 0:
            return Result(found, PHASE + 1, last, moved(network.schedule, state, found, y, last, PHASE).detach())
        return Result(found, 1, PHASE if phase == 1 else last)

    def estimate(self, state: torch.Tensor, given: torch.Tensor, step: int) -> torch.Tensor:
        numbers = torch.full((len(given),), step, dtype=torch.long, device=given.device)
        return self.student.network(state, given, numbers, half=self.half)

    def step_numbers(self, rng: np.random.Generator, found: Result) -> torch.Tensor:
        widest = min(found.widest, widest_step(self.teacher.schedule, self.gap)) if self.method.dynamic else found.widest
        return torch.from_numpy(rng.integers(found.least, widest + 1, size=len(found.image))).to(found.image.device)

    def noised(self, found: Result, given: torch.Tensor, noise: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        if found.state is not None:
            return bridged(self.teacher, found.state, given, noise, step)
        return diffused(self.teacher, found.image, given, noise, step)

    def update_fake(self, batch, number: int, round_: int) -> None:
        given, clean, start, noise, rng = self.inputs(batch, number, round_)
        with torch.no_grad():
            found = self.result(given, start, rng)
            step = self.step_numbers(rng, found)
            state = self.noised(found, given, noise, step)
        self.fake.advance(
            self.fake.network.loss(found.image, state, clean, given, noise, step, self.half, self.method.adversarial))

    def student_loss(self, batch, number: int) -> torch.Tensor:
        given, clean, start, noise, rng = self.inputs(batch, number, 0)
        result, method = self.result(given, start, rng), self.method
        found = result.image
        self.gap = SLOWNESS * self.gap + (1 - SLOWNESS) * float(distance(found.detach(), clean).mean())
        share = regression_share(self.gap, RESIDUAL_DEVIATION[self.teacher.scale]) if method.dynamic else 0.5
        loss = found.new_zeros(())
        if method.regression:
            loss = loss + share * torch.sqrt((found - clean).square() + CHARBONNIER**2).mean()
        if method.matching:
            loss = loss + (1 - share) * method.matching * self.matching(result, given, noise, self.step_numbers(rng, result))
        if method.reward:
            for tile in method.tiles or (None,):
                loss = loss + method.reward * spectrum_loss(found, clean, tile=tile)
            if self.teacher.scale > 1:
                loss = loss + method.reward * consistency_loss(found, given, self.teacher.scale)
        return loss

    def matching(self, found: Result, given: torch.Tensor, noise: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        fake = self.fake.network
        with torch.no_grad():
            state = self.noised(found, given, noise, step)
            gradient = matching_gradient(found.image, fake.network(state, given, step, half=self.half),
                                         self.teacher(state, given, step, half=self.half))
            if self.method.adversarial:
                weights = ratio_weights(fake.logits(state, given, step, self.half), self.method.divergence)
                gradient = gradient * weights[:, None, None, None]
        return matching_loss(found.image, gradient)


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError
    return value


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", required=True, choices=[p for p in PRESETS if p.endswith("-distilled")])
    parser.add_argument("--method", default="dynamic", choices=METHODS)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with train/")
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs", help="checkpoints go to OUT/PRESET-METHOD, and the run that it starts from is looked for here")
    parser.add_argument("--steps", type=int, help="instead of the preset's number")
    parser.add_argument("--patch", type=int, help="instead of the preset's")
    parser.add_argument("--batch", type=int, help="instead of the preset's")
    parser.add_argument("--reward", type=float, help="weight of the rewards, instead of the method's")
    parser.add_argument("--quiet", type=share, default=0.0, help="share of the samples that start without noise")
    parser.add_argument("--tile", type=int, nargs="+", default=(), help="reward the spectra of tiles of these sides, not of patches")
    parser.add_argument("--threads", type=int, default=2)
    add_option(parser)
    parser.add_argument("--checkpoint-minutes", type=float, default=2)
    return parser.parse_args()


def parts(preset: Preset, method_name: str, options: argparse.Namespace, device: torch.device) -> Distillation:
    method = dataclasses.replace(METHODS[method_name], tiles=tuple(options.tile))
    if options.reward is not None:
        method = dataclasses.replace(method, reward=options.reward)
    folder = options.out / f"{preset.name}-{method_name}"
    if method.matching and PRESETS[preset.start_from].purpose != "residual-shift":
        raise SystemExit(f"{preset.start_from} cannot judge noisy images, so {method_name} cannot match by it: --method regression or reward.")
    teacher = build_shift(preset).eval().requires_grad_(False)
    start_shift(teacher, preset, options.out)
    student, fake = build_shift(preset), FakeScore(build_shift(preset))
    if not (folder / "last.pt").exists():
        student.load_state_dict(teacher.state_dict())
        fake.network.load_state_dict(student.state_dict())
    if method.phased:
        student = Experts(student, copy.deepcopy(student))
    teacher, student, fake = (n.to(device, memory_format=torch.channels_last) for n in (teacher, student, fake))
    updates = dataclasses.replace(preset, name=f"{preset.name}, fake score", steps=max(1, preset.steps * method.fake_updates))
    settings = {"reward": method.reward, "tile": " ".join(map(str, method.tiles)), "quiet": options.quiet}
    return Distillation(Run(student, preset, folder, options.checkpoint_minutes, settings),
                        Run(fake, updates, folder / "fake", options.checkpoint_minutes, settings),
                        teacher, method, preset.seed, settle(options.arithmetic, device), options.quiet)


def main() -> None:
    options = arguments()
    preset = PRESETS[options.preset]
    changes = {k: v for k in ("steps", "patch", "batch") if (v := getattr(options, k)) is not None}
    preset = dataclasses.replace(preset, **changes)
    torch.set_num_threads(options.threads)
    torch.manual_seed(preset.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    work = parts(preset, options.method, options, device)
    source = batches(preset, options.data, options.out / "prepared")
    updates = work.method.fake_updates
    while not work.student.finished:
        number = work.student.step
        for round_ in range(1, updates + 1):
            batch = tuple(t.to(device, memory_format=torch.channels_last) for t in source.batch(number * (updates + 1) + round_))
            work.update_fake(batch, number, round_)
        batch = tuple(t.to(device, memory_format=torch.channels_last) for t in source.batch(number * (updates + 1)))
        work.student.advance(work.student_loss(batch, number))
    if updates:
        work.fake.checkpoint()


if __name__ == "__main__":
    main()
