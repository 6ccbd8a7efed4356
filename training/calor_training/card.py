"""`CARD.md`: what a model is for, how it was made, and what was measured."""

import textwrap

from .degradations import CLEAN_SHARE
from .networks import SLOPE
from .pairs import HELD_OUT_EVERY
from .presets import PRESETS, Preset

INFRARED_SOURCES = """\
| images | source | licence |
| --- | --- | --- |
| 270, 8 bit | CIDIS thermal images, `addmorelayers/PBVS-2025-Thermal-Image-Super-Resolution-challenge-TISRc---Track1` | not stated: research use |
| 54, 8 bit, from JPEG | HIT-UAV, `suojiashun/HIT-UAV-Infrared-Thermal-Dataset` | CC BY 4.0 (Suo et al., HIT-UAV) |
| 50, 8 bit | RoadScene (FLIR ADAS frames), `hanna-xu/RoadScene` | not stated: research use |
| 29, 16 bit raw | DJI samples, `SanNianYiSi/thermal_parser` | MIT |
| 4, 16 bit raw | DJI samples, `christophemetsu/theRmalUAV` | GPL-3 (whole repository) |"""

PAIRS_SOURCE = """
| 100, 8 bit, from JPEG | RoadScene, infrared half of the aligned pairs, `hanna-xu/RoadScene` | not stated: research use |"""

RGB_SOURCES = """\
| images | source | licence |
| --- | --- | --- |
| 300, JPEG | BSDS500 train and val, `BIDS/BSDS500` | not stated for the images: research use |
| 10, PNG | Urban100, `jbhuang0604/SelfExSR` | not stated: research use |"""

GATHERED_RGB = """
| 246, PNG | CID22, `imazen/codec-corpus` | CC BY-SA 4.0 |
| 80, PNG | Sun-Hays 80, `jbhuang0604/SelfExSR` | not stated: research use |
| 41, PNG | CLIC 2025, `imazen/codec-corpus` | Unsplash licence |
| 29, JPEG | photographs from Unsplash, `linuxdeepin/deepin-wallpapers`, `pop-os/wallpapers` | Unsplash licence |
| 7, PNG | drawings by Kate Hazen, `pop-os/wallpapers` | CC BY-SA 4.0 |
| 18, JPEG | `BuddiesOfBudgie/budgie-backgrounds` | CC0 |
| 9, JPEG | `elementary/wallpapers` | named for each image there |"""

GATHERED_INFRARED = """
| 101, 8 bit | M3FD, scenes that are not in the test set, from several repositories (`gather.py` names them) | not stated: research use |
| 60, 8 bit | M3SVD, `Linfeng-Tang/VideoFusion` | not stated: research use |
| 48, 8 bit | MSRS, `Linfeng-Tang/SuperFusion`, `lrh-1994/WaveFusionNet` | not stated for the images: research use |
| 5, 8 bit | FMB, `Beate-Suy-Zhang/DCEvo` | not stated: research use |"""

USES = {
    "ir-x4": "Enlarges 8-bit or 16-bit infrared images four times in each direction. Fast; `ir-x4-best` is the larger "
             "network.",
    "ir-x4-best": "Enlarges 8-bit or 16-bit infrared images four times in each direction, a little nearer to the truth "
                  "than `ir-x4` (0.1 to 0.2 dB), with 3.4 times its multiplications.",
    "ir-x4-camera": "Enlarges infrared images four times that a camera recorded slightly out of focus, and sharpens "
                    "them. On images that are sharp for their size, use `ir-x4`.",
    "ir-x2": "Enlarges 8-bit or 16-bit infrared images twice in each direction. Fast; `ir-x2-best` is the larger network.",
    "ir-x2-best": "Enlarges 8-bit or 16-bit infrared images twice in each direction, a little nearer to the truth than "
                  "`ir-x2`, with 3.4 times its multiplications.",
    "ir-x4-texture": "Enlarges infrared images four times in each direction in one step and draws plausible texture. For the eye, not for "
                     "measurement.",
    "enhance-ir": "Removes column or row stripes, sensor noise and mild JPEG residue from infrared images. It needs no "
                  "noise level and leaves clean images nearly as they are.",
    "enhance-rgb": "Removes noise and JPEG residue from colour photographs. It needs no noise level and leaves clean "
                   "images nearly as they are.",
    "enhance-ir-texture": "Removes column or row stripes, sensor noise and mild JPEG residue from infrared images in one step and "
                          "leaves more fine grain than `enhance-ir`.",
    "enhance-rgb-texture": "Removes noise and JPEG residue from colour photographs in one step and leaves more fine grain "
                           "than `enhance-rgb`, which is nearer to the truth.",
}

DAMAGE = {
    "super-resolution": "Each training image, and the same at 0.7 of its size, was reduced once with Pillow's "
                        "antialiased bicubic (a = -0.5), 8-bit images with 8-bit results; 16-bit frames were first "
                        "stretched between their 0.1 and 99.9 percentiles. Nothing else: no noise, no blur.",
    "enhance-ir": f"Of the samples, {CLEAN_SHARE:.0%} are left clean. The others get, in this order: slight blur "
                  "(7 %), stripes (70 %; gain within ±3 to ±10 %, offset within up to ±5 levels, per column or, for "
                  "15 % of them, per row), Gaussian noise (85 %; deviation 0 to 15 of 255), rounding to 8 bit, JPEG "
                  "(30 %; quality 60 to 100).",
    "enhance-rgb": f"Of the samples, {CLEAN_SHARE:.0%} are left clean. The others get, in this order: slight blur "
                   "(7 %), Gaussian noise (deviation 0 to 25 of 255; the same in all channels for 15 %), rounding to "
                   "8 bit, JPEG (75 %; quality 40 to 100, 4:2:0 or 4:4:4).",
}

SOFTENING = """The same was done with two softened versions of each image: reduced by 0.55 to 1, then enlarged by 1.2
to 1.9 (bilinear, bicubic or Lanczos, up to 5 % unequally in the two directions), as images look that were enlarged when
they were registered; {soft:.0%} of the patches are from these. Of two random places in an image, the one with more edges
was mostly taken."""

CAMERA = """Each training image was seen four times through a small camera: Gaussian blur of 0.4 to 1.0 small pixels, a
little drawn out, reduction by a box or Pillow's bicubic, and in some of them vignetting up to 10 levels, contrast down to
0.9, column stripes, noise up to 2 levels, JPEG of quality 85 to 100."""

NOT_FOR = {
    "super-resolution": """\
* It invents plausible edges where the input holds none. **Do not diagnose from texture it adds**: no finding on a
  component, a building or a body should rest on detail that the recorded image does not show.
* Enlarged pixels of a radiometric image are estimates, not measurements. Read temperatures from the original.
* It was trained on computed reductions. On images that a camera recorded out of focus it gains next to nothing over
  bicubic enlargement (`ir-flir-iisr` below), and it enlarges noise and stripes along with the image: clean them first.
* Not for visible light.""",
    "enhancement": """\
* What it removes may have been real: faint texture at the level of the noise goes with the noise. **Do not diagnose
  from its result alone**, and read temperatures from the original.
* Damage beyond the range above (heavier noise, strong blur, dead pixels, rings, compression below the stated quality)
  is only partly removed.
* It keeps size: it does not enlarge.""",
}


def wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), width=118, break_long_words=False, break_on_hyphens=False)


def own_sources(preset: Preset) -> str:
    if preset.kind == "infrared":
        return INFRARED_SOURCES + PAIRS_SOURCE * preset.pairs + GATHERED_INFRARED * preset.gathered
    return RGB_SOURCES + GATHERED_RGB * preset.gathered


def sources(preset: Preset) -> str:
    """Of the preset and of every preset that it starts from, where that has another kind of images."""
    tables, kind = [own_sources(preset)], preset.kind
    while preset.start_from:
        preset = PRESETS[preset.start_from]
        if preset.kind != kind:
            tables += [f"From `{preset.name}`, whose weights were the start:", own_sources(preset)]
            kind = preset.kind
    return "\n\n".join(tables)


def architecture(preset: Preset) -> str:
    blocks = f"{preset.blocks} residual blocks (3x3, LeakyReLU {SLOPE}, 3x3) of {preset.width} channels"
    if preset.purpose == "super-resolution":
        return (f"A 3x3 convolution, {blocks}, a 3x3 convolution, a skip around all of them, a 3x3 convolution to "
                f"{preset.scale**2} phases, to which the phases of a bicubic enlargement (a = -0.5, fixed weights) are "
                f"added, and a pixel shuffle.")
    return (f"A 6x6 convolution with stride 2, {blocks} at half size, a 3x3 convolution, a skip around all of them, a "
            f"3x3 convolution to {4 * preset.channels} channels, a pixel shuffle, and the input added. Sides of the "
            f"input must be even: repeat the edge where they are not.")


def quality(tables: list[dict], preset: Preset) -> str:
    if not tables:
        return "Not measured yet."
    base = "bicubic" if preset.scale > 1 else "damaged input"
    lines = [f"| set | images | metric | {base} | model |", "| --- | --- | --- | --- | --- |"]
    for table in tables:
        for metric, figures in table["metrics"].items():
            digits = 2 if metric.startswith("psnr") else 4
            before = "" if figures["baseline"] is None else f"{figures['baseline']:.{digits}f}"
            lines.append(f"| `{table['set']}` | {table['images']} | {metric} | {before} | {figures['value']:.{digits}f} |")
    return "\n".join(lines)


def explanation(preset: Preset) -> str:
    if preset.purpose == "super-resolution":
        own = "reduced here with Pillow's bicubic"
        if preset.scale != 4:
            return f"The inputs were {own}."
        return (f"`ir-m3fd` and `ir-flir-iisr` use the published LR images (those of `ir-flir-iisr` were recorded out of "
                f"focus); the others were {own}.")
    detail = {
        "rgb": "`noise15` is Gaussian noise of deviation 15 rounded to 8 bit, `jpeg60` Pillow's JPEG of that quality",
        "infrared": "`stripes` are column gains within ±6 % and offsets within ±3 levels, `noise8` Gaussian noise of "
                    "deviation 8, rounded to 8 bit",
    }[preset.kind]
    return (f"The part of a set's name after `+` is the damage: {detail}; image n of a set uses "
            f"`numpy.random.default_rng(n)`. `clean` is the undamaged image against itself.")


def patches(preset: Preset) -> str:
    """Which patches of which images, for enlargers."""
    softening = SOFTENING.format(soft=preset.soft) if preset.soft else ""
    shares = " and ".join(f"{share:.0%} are from images of `{name}`" for name, share in preset.shares)
    return f" {softening}" + (f" Of the patches, {shares}." if shares else "")


def degradation(preset: Preset) -> str:
    if preset.family == "camera":
        return wrapped(CAMERA)
    plain = DAMAGE.get(preset.name) or DAMAGE[preset.purpose]
    seen = ", which the weights it starts from had seen," if preset.start_from else ""
    held = (f" One image in {HELD_OUT_EVERY} of the first five rows{seen} was held out to watch the training."
            if preset.soft else "")
    return wrapped(plain + patches(preset) + held)


def card(preset: Preset, *, tables: list[dict], radius: int, parameters: int, steps: int, minutes: float,
         machine: str) -> str:
    start = f" It starts from the weights of `{preset.start_from}` and so inherits its data." if preset.start_from else ""
    rule = "Muon for the trunk's 3x3 convolutions, Adam for the rest" if preset.optimiser == "muon" else "Adam"
    fall = "" if preset.decay == 1 else f"constant, in the last {preset.decay:.0%} of the steps "
    root = "the root of each patch's mean square"
    loss = (f"loss {root}" if preset.rms == 1 else
            "Charbonnier loss" + (f" (in the last {preset.rms:.0%} of the steps {root})" if preset.rms else ""))
    planned = f"{steps} steps" if steps == preset.steps else f"{steps} of {preset.steps} planned steps"
    layers = f"""{architecture(preset)} {parameters} learnt parameters; receptive-field radius {radius} input pixels.
Input and output are nominally 0…1; the output is not clipped."""
    convention = f"""Results rounded to 8 bit, 4 pixels shaved from each side, mean over the images.
{explanation(preset)}"""
    training = f"""`training/train.py --preset {preset.name}`: seed {preset.seed}, {planned} of {preset.batch}
patches of {preset.patch}x{preset.patch} input pixels, {loss}, {rule}, rate {preset.rate:g}, {fall}falling to 0 by a
cosine; exported is the running average of the weights (0.999).{start} It took {minutes:.0f} minutes on {machine},
shared with other work."""
    return f"""# {preset.name}

{wrapped(USES[preset.name])}

## Not for

{NOT_FOR[preset.purpose]}

## Architecture

{wrapped(layers)}

## Training data

{sources(preset)}

Most of these images come without a licence that goes beyond research. The weights are offered under Apache-2.0, but
whether the data's terms reach the weights is for you to judge before you use them commercially. No test image was
used in training.

## Degradation

{degradation(preset)}

## Training

{wrapped(training)}

## Measured quality

{quality(tables, preset)}

{wrapped(convention)}

Measured with `python training/evaluate.py --preset {preset.name}`.
"""
