"""Training batches. Batch number n of a run depends on (seed, n) alone, so a resumed run sees the same data."""

from collections import Counter
from pathlib import Path

import numpy as np
import torch

from .degradations import damaged_infrared, damaged_rgb
from .images import image_paths, read_grey, read_rgb, reduced
from .pairs import prepared, training_images
from .presets import Preset

JPEG_GRID = 16  # damaged patches are cut this much larger, then cropped anywhere, so that the grid's phase varies


def symmetry(array: np.ndarray, index: int) -> np.ndarray:
    """One of the eight flips and rotations of a square patch."""
    array = np.rot90(array, index % 4)
    return array[:, ::-1] if index >= 4 else array


def anywhere(low: np.ndarray, side: int, rng: np.random.Generator) -> tuple[int, int]:
    y, x = (int(rng.integers(n - side + 1)) for n in low.shape)
    return y, x


def busier(low: np.ndarray, side: int, rng: np.random.Generator) -> tuple[int, int]:
    """Of two places, most often the one with more edges: flat ones teach little."""
    places = [anywhere(low, side, rng) for _ in range(2)]
    if rng.random() < 0.2:
        return places[0]

    def edges(place: tuple[int, int]) -> float:
        y, x = place
        return np.abs(np.diff(low[y : y + side : 2, x : x + side].astype(np.float32), axis=1)).sum()

    return max(places, key=edges)


def as_tensor(patches: list[np.ndarray]) -> torch.Tensor:
    """[n, c, h, w] in 0…1 from arrays [h, w, c] in 0…255."""
    stacked = np.stack(patches).astype(np.float32) / 255
    return torch.from_numpy(np.ascontiguousarray(stacked.transpose(0, 3, 1, 2)))


def chances_of(names: list[str], shares: tuple[tuple[str, float], ...]) -> np.ndarray:
    """Of images with these names to be drawn: the images whose names begin alike get their share together, the others
    what is left, each as much as the next within its group."""
    groups = [next((prefix for prefix, _ in shares if name.startswith(prefix)), "") for name in names]
    wanted, counts = {"": 1 - sum(share for _, share in shares), **dict(shares)}, Counter(groups)
    return np.array([wanted[group] / counts[group] for group in groups])


class SuperResolutionBatches:
    """Aligned patches of whole images that were reduced once, up front."""

    def __init__(self, preset: Preset, data: Path, cache: Path):
        self.preset = preset
        self.pairs, chances = [], []
        names = [path.name for path in training_images(preset, data)]
        for kind, pairs in prepared(preset, data, cache).items():
            share = {"plain": 1 - preset.soft, "soft": preset.soft}[kind]
            if not share:
                continue
            each = len(pairs) // len(names)  # of every image equally many, in the order of the images
            large = [(names[index // each], pair) for index, pair in enumerate(pairs) if min(pair[0].shape) >= preset.patch]
            self.pairs += [pair for _, pair in large]
            chances.append(share * chances_of([name for name, _ in large], preset.shares))
        # Equal chances are None: the generator then draws other numbers than from an array of equal ones.
        self.chances = np.concatenate(chances) if preset.soft or preset.shares else None

    def batch(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.preset.seed, number))
        side, scale = self.preset.patch, self.preset.scale
        inputs, targets = [], []
        count, place = len(self.pairs), busier if self.preset.soft else anywhere
        for index in rng.choice(count, size=self.preset.batch, p=self.chances):
            low, high = self.pairs[index]
            y, x = place(low, side, rng)
            turn = int(rng.integers(8))
            inputs.append(symmetry(low[y : y + side, x : x + side], turn)[..., None])
            y, x, wide = y * scale, x * scale, side * scale
            targets.append(symmetry(high[y : y + wide, x : x + wide], turn)[..., None])
        return as_tensor(inputs), as_tensor(targets)


class EnhancementBatches:
    """Clean patches, damaged afresh for every batch."""

    def __init__(self, preset: Preset, data: Path):
        self.preset, self.images = preset, []
        infrared = preset.kind == "infrared"
        self.damaged = damaged_infrared if infrared else damaged_rgb
        for path in image_paths(data / ("train/ir" if infrared else "train/rgb")):
            full = read_grey(path) if infrared else read_rgb(path)
            # Raw frames carry the sensor's own noise and columns: only their reductions are clean enough as targets.
            raw = path.name.startswith("djiraw16_")
            for plane in (reduced(full, 0.7), reduced(full, 0.5) if raw else full):
                self.images.append(plane.reshape(*plane.shape[:2], preset.channels))

    def batch(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.preset.seed, number))
        side, wide = self.preset.patch, self.preset.patch + JPEG_GRID
        inputs, targets = [], []
        for index in rng.integers(len(self.images), size=self.preset.batch):
            image = self.images[index]
            y, x = (int(rng.integers(n - wide + 1)) for n in image.shape[:2])
            clean = symmetry(image[y : y + wide, x : x + wide], int(rng.integers(8))).astype(np.float32)
            y, x = (int(n) for n in rng.integers(JPEG_GRID, size=2))
            inputs.append(self.damaged(clean, rng)[y : y + side, x : x + side])
            targets.append(clean[y : y + side, x : x + side])
        return as_tensor(inputs), as_tensor(targets)


def batches(preset: Preset, data: Path, cache: Path) -> SuperResolutionBatches | EnhancementBatches:
    """`cache` keeps what is prepared once."""
    if preset.gathered and not (data / "SOURCES.tsv").exists():
        raise SystemExit(f"{preset.name} learns from gathered images too: pass gather.py's --out as --data.")
    if preset.scale > 1:
        return SuperResolutionBatches(preset, data, cache)
    return EnhancementBatches(preset, data)
