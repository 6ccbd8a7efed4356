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


def camera_reduced(image: np.ndarray, scale: int, rng: np.random.Generator) -> np.ndarray:
    """Bytes [h / scale, w / scale] of a plane [h, w]: what a small, not quite focused sensor would have recorded.

    Blur by optics or focus (deviation 0.4 to 1.0 of a small pixel, round or drawn out), the pixel's own mean, then in
    random measure vignetting, less contrast, stripes, noise, rounding, and the file's JPEG. The large image keeps its
    brightness, so the network learns to sharpen and clean but not to change grey values: contrast and vignetting are
    kept mild.
    """
    height, width = (side // scale for side in image.shape)
    sigma = rng.uniform(0.4, 1.0) * scale
    stretch = rng.uniform(0.8, 1.25)
    seen = gaussian_blurred(image.astype(np.float32), sigma * stretch, sigma / stretch)
    if rng.random() < 0.5:
        low = np.asarray(Image.fromarray(seen).resize((width, height), Image.Resampling.BOX))
    else:
        low = np.asarray(Image.fromarray(seen).resize((width, height), Image.Resampling.BICUBIC))
    low = low[..., None]
    if rng.random() < 0.2:
        low = with_vignetting(low, rng.uniform(0, 10))
    if rng.random() < 0.2:
        low = low.mean() + (low - low.mean()) * rng.uniform(0.9, 1.0)
    if rng.random() < 0.3:
        low = with_stripes(low, rng.uniform(0, 0.01), rng.uniform(0, 1), rng)
    if rng.random() < 0.7:
        low = with_noise(low, rng.uniform(0, 2), rng)
    if rng.random() < 0.2:
        low = through_jpeg(low, int(rng.integers(85, 101)))
    return as_bytes(low)[..., 0]


def gaussian_blurred(plane: np.ndarray, across: float, down: float) -> np.ndarray:
    """Separable, with repeated edges. `across` and `down` are deviations in pixels."""
    for axis, sigma in ((1, across), (0, down)):
        radius = int(np.ceil(3 * sigma))
        taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        taps /= taps.sum()
        padding = [(0, 0), (0, 0)]
        padding[axis] = (radius, radius)
        padded, length = np.pad(plane, padding, mode="edge"), plane.shape[axis]
        plane = sum(w * np.take(padded, range(k, k + length), axis) for k, w in enumerate(taps)).astype(np.float32)
    return plane


def with_vignetting(image: np.ndarray, depth: float) -> np.ndarray:
    """`depth` levels darker in the corners, by the fourth power of the cosine of a lens that sees 60 degrees."""
    height, width = image.shape[:2]
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in (height, width))
    radius = np.hypot(*np.meshgrid(x, y)) / np.sqrt(2)
    fall = 1 - np.cos(np.arctan(radius * np.tan(np.radians(30)))) ** 4
    return image - depth * (fall / fall.max())[..., None]


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
