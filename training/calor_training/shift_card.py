"""`CARD.md` of a residual-shift model."""

from .card import DAMAGE, NOT_FOR, USES, patches, sources, wrapped
from .presets import Preset

TASKS = {
    4: "Enlarges infrared images four times in each direction, in up to four steps.",
    2: "Enlarges infrared images twice in each direction, in up to four steps.",
    1: "Removes noise, stripes and compression damage, in up to four steps.",
}

MODES = """`mode: fidelity` draws no noise and gives the expected image; `mode: texture` starts from noise, which is a
function of the seed, the image and the pixel, and draws plausible detail. **Texture is not measured**: read no
temperature, gap or defect from it."""


STUDENT_MODES = """It takes one step. `mode: texture` starts from noise, which is a function of the seed, the image and the pixel, and
draws plausible detail; `noise: 0` leaves the noise out, and so does `mode: fidelity`, which for a student is no nearer to the truth.
**Texture is not measured**: read no temperature, gap or defect from it."""


def architecture(preset: Preset) -> str:
    where = "the size of the input" if preset.scale > 1 else "half size"
    return (f"The state of the process, minus the {'bicubic enlargement of the ' if preset.scale > 1 else ''}input, as "
            f"phases, with the input beside it; {preset.blocks} residual blocks (3x3, LeakyReLU, 3x3) of {preset.width} "
            f"channels at {where}, each with one scale and one shift of its channels for each step of the process; a "
            f"3x3 convolution back to phases, preconditioned so that its input and target have unit variance.")


def damage(preset: Preset) -> str:
    camera = " Half of the steps use pairs of a camera instead, as `ir-x4-camera` does." if preset.camera else ""
    if preset.scale > 1:
        return wrapped(DAMAGE["super-resolution"] + patches(preset) + camera)
    return wrapped(DAMAGE["enhance-rgb" if preset.kind == "rgb" else "enhance-ir"])


def quality(tables: list[dict]) -> str:
    if not tables:
        return "Not measured yet."
    columns = [(key, title, digits) for key, title, digits in (
        ("psnr", "PSNR", 2), ("ssim", "SSIM", 4), ("spectral", "spectrum dB", 2), ("consistency", "consistency RMS", 2))
        if key in tables[0]]
    lines = ["| set | mode | " + " | ".join(title for _, title, _ in columns) + " |", "| --- | --- |" + " ---: |" * len(columns)]
    lines += [f"| `{t['set']}` | {t['mode']} | " + " | ".join(f"{t[key]:.{digits}f}" for key, _, digits in columns) + " |" for t in tables]
    return "\n".join(lines)


def recipe(preset: Preset, method: str | None, settings: dict[str, float | str]) -> str:
    """The command; options that are zero or empty are left out."""
    if not method:
        return f"training/train_shift.py --preset {preset.name}"
    options = "".join(f" --{name} {value}" for name, value in settings.items() if value)
    return f"training/train_distilled.py --preset {preset.name} --method {method}{options}"


TRAINING = """Charbonnier loss to the clean image and a small spectral term; a part of the samples without noise, so that
fidelity mode is in the training"""
DISTILLED = """one step, distilled from the network it starts from as a four-step teacher: Charbonnier loss to the clean image and
matching of distributions with a fake score that is trained beside it (training/README.md, Distillation)"""

REWARDED = """one step, tuned on rewards: Charbonnier loss to the clean image, the difference of the log-spectra to the clean
image's and, where it enlarges, consistency with the input, without a score (after AlignProp; training/README.md, Distillation)"""


def shift_card(preset: Preset, *, name: str, method: str | None, recipe: str, trained: dict, tables: list[dict], radius: int,
               parameters: int, steps: int, minutes: float, kappa: float, roots: tuple[float, ...], machine: str) -> str:
    """`trained` is the preset as it was trained, which options may have changed."""
    purpose = "super-resolution" if preset.scale > 1 else "enhancement"
    process = f"""Residual shifting (ResShift, arXiv 2307.12348) with SinSR's deterministic step (arXiv 2311.14760), in
pixels: {len(roots)} steps, kappa {kappa:g}, square roots of the shift {", ".join(f"{q:.4g}" for q in roots)}. {STUDENT_MODES if method else MODES}"""
    aim = TRAINING if method is None else REWARDED if method == "reward" else DISTILLED
    training = f"""`{recipe}`: seed {preset.seed}, {steps} steps of {trained["batch"]} patches of {trained["patch"]}x{trained["patch"]}
input pixels; {aim}; exported is the running average of the weights (0.999). It starts from the weights
of `{preset.start_from}`. It took {minutes:.0f} minutes on {machine}, shared with other work."""
    measured = f"python training/evaluate_shift.py --preset {preset.name}"
    if method and preset.scale > 1:
        measured = f"scripts/ablation --sampler {name} --settings 'texture, 1 step, exact'"
    elif method:
        measured = f"python training/compare_distilled.py --preset {preset.name}" + " --set stripes" * (preset.kind == "infrared")
    return f"""# {name}

{wrapped(USES.get(name, TASKS[preset.scale]))}

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

Measured with `{measured} --json FILE`.
"""
