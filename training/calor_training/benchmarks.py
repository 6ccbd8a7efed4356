"""The test sets of each preset: pairs of what the network is given and what it should return, in bytes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .degradations import as_bytes, through_jpeg, with_noise, with_stripes
from .images import cropped_to_multiple, image_paths, read_grey, read_rgb, resized
from .presets import Preset

Pair = tuple[np.ndarray, np.ndarray]  # input and target, [h, w, c]
MISALIGNED = "flir-iisr_000134_0.png"  # its recorded LR is shifted and brighter


@dataclass(frozen=True)
class Benchmark:
    name: str
    pairs: Callable[[], Iterator[Pair]]


def given_pairs(folder: Path) -> Iterator[Pair]:
    """HR and LR as published."""
    for path in image_paths(folder / "hr"):
        if path.name != MISALIGNED:
            yield read_grey(folder / "lr" / path.name)[..., None], read_grey(path)[..., None]


def reduced_pairs(folder: Path, scale: int) -> Iterator[Pair]:
    """Own LR: Pillow's antialiased bicubic on bytes."""
    for path in image_paths(folder):
        high = cropped_to_multiple(read_grey(path), scale)
        low = resized(high, high.shape[1] // scale, high.shape[0] // scale)
        yield low[..., None], high[..., None]


def damaged_pairs(folder: Path, rgb: bool, damage: Callable[[np.ndarray, np.random.Generator], np.ndarray]
                  ) -> Iterator[Pair]:
    """Image number n, in order of file names, is damaged with `default_rng(n)`."""
    for number, path in enumerate(image_paths(folder)):
        clean = read_rgb(path) if rgb else read_grey(path)[..., None]
        yield as_bytes(damage(clean.astype(np.float32), np.random.default_rng(number))), clean


def benchmarks(preset: Preset, data: Path, more: Path | None = None) -> list[Benchmark]:
    """`more` is a folder of clean pictures that becomes one more set, with its name."""
    test = data / "test"
    added = {more.name: more} if more else {}
    infrared = {"ir-m3fd": test / "ir-m3fd/hr", "ir-roadscene": test / "ir-roadscene",
                "ir-flir-iisr": test / "ir-flir-iisr/hr"}
    if preset.scale > 1:
        reductions = {name: (lambda f=folder: reduced_pairs(f, preset.scale)) for name, folder in (infrared | added).items()}
        if preset.scale == 4:  # two of the sets come with an LR of their own
            reductions["ir-flir-iisr-own-lr"] = reductions["ir-flir-iisr"]
            for name in ("ir-m3fd", "ir-flir-iisr"):
                reductions[name] = lambda f=test / name: given_pairs(f)
        return [Benchmark(name, pairs) for name, pairs in reductions.items()]
    if preset.kind == "rgb":
        damages = {
            "noise15+jpeg60": lambda image, rng: through_jpeg(with_noise(image, 15, rng), 60),
            "noise25": lambda image, rng: with_noise(image, 25, rng),
            "jpeg40": lambda image, rng: through_jpeg(image, 40),
            "clean": lambda image, rng: image,
        }
        folders = {"rgb-set14": test / "rgb-set14"}
    else:
        damages = {
            "stripes+noise8": lambda image, rng: with_noise(with_stripes(image, 0.06, 3, rng), 8, rng),
            "stripes": lambda image, rng: with_stripes(image, 0.06, 3, rng),
            "noise15": lambda image, rng: with_noise(image, 15, rng),
            "clean": lambda image, rng: image,
        }
        # Not ir-m3fd: its images were enlarged when they were registered, so columns of its sensor are not its columns.
        folders = {name: infrared[name] for name in ("ir-roadscene", "ir-flir-iisr")}
    return [Benchmark(f"{name}+{label}", lambda f=folder, d=damage: damaged_pairs(f, preset.kind == "rgb", d))
            for name, folder in (folders | added).items() for label, damage in damages.items()]
