"""`CARD.md` of a residual-shift model."""

from .card import DAMAGE, NOT_FOR, SOFTENING, USES, sources, wrapped
from .degradations import CLEAN_SHARE
from .presets import PRESETS, Preset

TASKS = {
    4: "Enlarges infrared images four times in each direction, in up to four steps.",
    2: "Enlarges infrared images twice in each direction, in up to four steps.",
    1: "Removes noise, stripes and compression damage, in up to four steps.",
}

MODES = """`mode: fidelity` draws no noise and gives the expected image; `mode: texture` starts from noise, which is a
function of the seed, the image and the pixel, and draws plausible detail. **Texture is not measured**: read no
temperature, gap or defect from it."""


def architecture(preset: Preset) -> str:
    where = "the size of the input" if preset.scale > 1 else "half size"
    return (f"The state of the process, minus the {'bicubic enlargement of the ' if preset.scale > 1 else ''}input, as "
            f"phases, with the input beside it; {preset.blocks} residual blocks (3x3, LeakyReLU, 3x3) of {preset.width} "
            f"channels at {where}, each with one scale and one shift of its channels for each step of the process; a "
            f"3x3 convolution back to phases, preconditioned so that its input and target have unit variance.")


def damage(preset: Preset) -> str:
    camera = " Half of the steps use pairs of a camera instead, as `ir-x4-camera` does." if preset.camera else ""
    if preset.scale > 1:
        return wrapped(DAMAGE["super-resolution"] + " " + SOFTENING.format(soft=preset.soft) * (preset.soft > 0) + camera)
    return wrapped(f"As of `{PRESETS[preset.start_from].name}`; {CLEAN_SHARE:.0%} of the samples are clean.")


def quality(tables: list[dict]) -> str:
    if not tables:
        return "Not measured yet."
    lines = ["| set | mode | PSNR | SSIM | spectrum dB | consistency RMS |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    lines += [f"| `{t['set']}` | {t['mode']} | {t['psnr']:.2f} | {t['ssim']:.4f} | {t['spectral']:.2f} | {t['consistency']:.2f} |"
              for t in tables]
    return "\n".join(lines)


def shift_card(preset: Preset, *, tables: list[dict], radius: int, parameters: int, steps: int, minutes: float,
               kappa: float, roots: tuple[float, ...], machine: str) -> str:
    purpose = "super-resolution" if preset.scale > 1 else "enhancement"
    process = f"""Residual shifting (ResShift, arXiv 2307.12348) with SinSR's deterministic step (arXiv 2311.14760), in
pixels: {len(roots)} steps, kappa {kappa:g}, square roots of the shift {", ".join(f"{q:.4g}" for q in roots)}. {MODES}"""
    training = f"""`training/train_shift.py --preset {preset.name}`: seed {preset.seed}, {steps} steps of {preset.batch} patches
of {preset.patch}x{preset.patch} input pixels; Charbonnier loss to the clean image and a small spectral term; a part of
the samples without noise, so that fidelity mode is in the training; exported is the running average of the weights
(0.999). It starts from the weights of `{preset.start_from}`. It took {minutes:.0f} minutes on {machine}, shared with
other work."""
    return f"""# {preset.name}

{wrapped(USES.get(preset.name, TASKS[preset.scale]))}

## Not for

{NOT_FOR[purpose]}

## Process

{wrapped(process)}

## Architecture

{wrapped(f"{architecture(preset)} {parameters} learnt parameters; receptive-field radius {radius} input pixels.")}

## Training data

{sources(preset)}

Most of these images come without a licence that goes beyond research. The weights are offered under Apache-2.0, but
whether the data's terms reach the weights is for you to judge before you use them commercially. No test image was
used in training.

## Degradation

{damage(preset)}

## Training

{wrapped(training)}

## Measured quality

{quality(tables)}

Measured with `python training/evaluate_shift.py --preset {preset.name} --json FILE`.
"""
