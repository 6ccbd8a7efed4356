"""What real cameras and files do to an image. Input and output are arrays [h, w, c] in 0…255."""

import io

import numpy as np
from PIL import Image, ImageFilter

CLEAN_SHARE = 0.18  # samples left as they are, so that the network learns to leave good images alone


def as_bytes(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def through_jpeg(image: np.ndarray, quality: int, subsampling: int = 2) -> np.ndarray:
    """`subsampling`: 0 is 4:4:4, 2 is 4:2:0 (Pillow's default)."""
    grey = image.shape[2] == 1
    file = io.BytesIO()
    picture = Image.fromarray(as_bytes(image)[..., 0] if grey else as_bytes(image))
    picture.save(file, "JPEG", quality=quality, **({} if grey else {"subsampling": subsampling}))
    decoded = np.asarray(Image.open(file)).astype(np.float32)
    return decoded[..., None] if grey else decoded


def blurred(image: np.ndarray, radius: float) -> np.ndarray:
    picture = Image.fromarray(as_bytes(image).squeeze())
    result = np.asarray(picture.filter(ImageFilter.GaussianBlur(radius))).astype(np.float32)
    return result.reshape(image.shape)


def with_noise(image: np.ndarray, sigma: float, rng: np.random.Generator, grey: bool = False) -> np.ndarray:
    """Gaussian noise of `sigma` levels; `grey` puts the same noise in every channel."""
    shape = image.shape[:2] + (1,) if grey else image.shape
    return image + sigma * rng.standard_normal(shape, dtype=np.float32)


def with_stripes(image: np.ndarray, gain: float, bias: float, rng: np.random.Generator, axis: int = 1) -> np.ndarray:
    """Fixed-pattern stripes: each column (axis 1) or row (axis 0) has its own gain, within ±`gain` of 1,
    and its own offset, within ±`bias` levels, both uniform."""
    shape = [1, 1, 1]
    shape[axis] = image.shape[axis]
    return image * rng.uniform(1 - gain, 1 + gain, shape) + rng.uniform(-bias, bias, shape)


def damaged_rgb(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < CLEAN_SHARE:
        return image
    if rng.random() < 0.07:
        image = blurred(image, rng.uniform(0.3, 0.8))
    image = as_bytes(with_noise(image, rng.uniform(0, 25), rng, grey=rng.random() < 0.15)).astype(np.float32)
    if rng.random() < 0.75:
        image = through_jpeg(image, int(rng.integers(40, 101)), subsampling=int(rng.choice([0, 2], p=[0.35, 0.65])))
    return image


def damaged_infrared(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < CLEAN_SHARE:
        return image
    if rng.random() < 0.07:
        image = blurred(image, rng.uniform(0.3, 0.8))
    if rng.random() < 0.7:
        axis = 0 if rng.random() < 0.15 else 1
        image = with_stripes(image, rng.uniform(0.03, 0.10), rng.uniform(0, 5), rng, axis)
    if rng.random() < 0.85:
        image = with_noise(image, rng.uniform(0, 15), rng)
    image = as_bytes(image).astype(np.float32)
    if rng.random() < 0.3:
        image = through_jpeg(image, int(rng.integers(60, 101)))
    return image
