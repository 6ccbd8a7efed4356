"""Reading images as planes, with Pillow's exact bicubic for every change of size."""

from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = {".png", ".jpg", ".jpeg"}


def image_paths(folder: Path) -> list[Path]:
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise SystemExit(f"No images in {folder}. Pass the folder that holds train/ and test/ with --data.")
    return paths


def read_grey(path: Path) -> np.ndarray:
    """[h, w]: bytes as stored, or, from 16 bits, floats 0…255 stretched between the 0.1 and 99.9 percentiles.

    Of an RGB file (three equal channels) the first channel is taken.
    """
    image = np.asarray(Image.open(path))
    if image.ndim == 3:
        image = image[..., 0]
    if image.dtype == np.uint8:
        return image
    low, high = np.percentile(image, (0.1, 99.9))
    return np.clip((image.astype(np.float32) - low) * (255 / (high - low)), 0, 255).astype(np.float32)


def read_rgb(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def resized(plane: np.ndarray, width: int, height: int,
            kernel: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    """Antialiased, bicubic unless told; bytes stay bytes (rounded between the passes, as Pillow does), floats stay floats."""
    return np.asarray(Image.fromarray(plane).resize((width, height), kernel))


def reduced(plane: np.ndarray, factor: float) -> np.ndarray:
    height, width = plane.shape[:2]
    return resized(plane, round(width * factor), round(height * factor))


def cropped_to_multiple(plane: np.ndarray, multiple: int) -> np.ndarray:
    height, width = (side // multiple * multiple for side in plane.shape[:2])
    return plane[:height, :width]
