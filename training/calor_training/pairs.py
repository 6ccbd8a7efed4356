"""Pairs of small and large images for super-resolution, of two families: `exact`, Pillow's reduction of the image as
it is, at 0.7 of its size, and softened; `camera`, the same images seen through optics, sensor and file.

Made once and kept in shards, so that a run that was stopped starts again at once. Image n of a folder depends on
(seed, n) alone."""

from pathlib import Path

import numpy as np
from PIL import Image

from .degradations import camera_reduced
from .images import cropped_to_multiple, image_paths, read_grey, reduced, resized
from .presets import Preset
from .shards import write_shard

Pair = tuple[np.ndarray, np.ndarray]  # small and large, [h, w], bytes or, from raw frames, floats 0…255
STREAM = 2**32  # of random numbers for preparing, apart from those of the batches, whose second number is the step
SHARD = 50  # images in one file
SOFT_DRAWS = 2  # of each image
CAMERA_DRAWS = 4
HELD_OUT_EVERY = 25


def held_out(index: int) -> bool:
    """These images of `train/ir`, in order of their names, are kept for watching the presets that soften."""
    return index % HELD_OUT_EVERY == HELD_OUT_EVERY // 2


def pair_of(high: np.ndarray, scale: int) -> Pair:
    high = cropped_to_multiple(high, scale)
    return resized(high, high.shape[1] // scale, high.shape[0] // scale), high


def softened(plane: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As data sets look whose frames were enlarged when they were registered: a sharp, smaller frame, made larger
    by 1.2 to 1.9 with one of the usual filters, not quite equally in both directions."""
    frame = reduced(plane, rng.uniform(0.55, 1.0))
    factor = rng.uniform(1.2, 1.9)
    height, width = (round(side * factor * rng.uniform(0.95, 1.05)) for side in frame.shape)
    filters = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS
    return resized(frame, width, height, filters[rng.choice(3, p=[0.45, 0.45, 0.1])])


def pairs_of(path: Path, family: str, scale: int, rng: np.random.Generator) -> dict[str, list[Pair]]:
    """Of one image: `plain` and `soft` pairs."""
    full = read_grey(path)
    if family == "camera":
        high = cropped_to_multiple(full, scale)
        return {"plain": [(camera_reduced(high, scale, rng), high) for _ in range(CAMERA_DRAWS)], "soft": []}
    return {"plain": [pair_of(plane, scale) for plane in (full, reduced(full, 0.7))],
            "soft": [pair_of(softened(full, rng), scale) for _ in range(SOFT_DRAWS)]}


def training_images(preset: Preset, data: Path) -> list[Path]:
    paths = image_paths(data / "train/ir")
    if preset.soft or preset.family == "camera":
        paths = [path for index, path in enumerate(paths) if not held_out(index)]
    return paths + (image_paths(data / "train/pairs/ir") if preset.pairs else [])


def prepared(preset: Preset, data: Path, cache: Path) -> dict[str, list[Pair]]:
    """All pairs of a preset, from the shards in `cache`; those that are missing are made."""
    paths = training_images(preset, data)
    folder = cache / f"{preset.family}-x{preset.scale}-seed{preset.seed}{'-pairs' if preset.pairs else ''}" \
                     f"{'-gathered' if preset.gathered else ''}{'-held' if preset.soft or preset.family == 'camera' else ''}"
    folder.mkdir(parents=True, exist_ok=True)
    result: dict[str, list[Pair]] = {"plain": [], "soft": []}
    for first in range(0, len(paths), SHARD):
        file = folder / f"{first:05d}.npz"
        if not file.exists():
            write_shard(file, pairs_by_name(paths[first : first + SHARD], first, preset))
        with np.load(file) as shard:
            for name in shard.files:
                kind, _, side = name.split("-")
                if side == "low":
                    result[kind].append((shard[name], shard[name.removesuffix("low") + "high"]))
    return result


def pairs_by_name(paths: list[Path], first: int, preset: Preset) -> dict[str, np.ndarray]:
    """Of the images `first`, `first` + 1, …"""
    arrays, count = {}, 0
    for index, path in enumerate(paths, first):
        rng = np.random.default_rng((preset.seed, STREAM, index))
        for kind, pairs in pairs_of(path, preset.family, preset.scale, rng).items():
            for low, high in pairs:
                arrays[f"{kind}-{count:05d}-low"], arrays[f"{kind}-{count:05d}-high"] = low, high
                count += 1
    return arrays
