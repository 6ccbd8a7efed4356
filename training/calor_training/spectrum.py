"""Radial log-spectrum of an image, the prior predicted from the small image, its loss and gradient, in levels 0…255.

Source: ../shared/design/algorithms.md 7.4 (b)."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

BANDS = 32  # of the large image, up to half a cycle per pixel
SMALL_BANDS = 8  # of the small image; the first holds the mean and the window, and is not used
FLOOR = 1 / 12  # power of rounding to whole levels: below it nothing is known
HIGHEST = 0.42  # cycles per pixel: 8-bit images reach the floor above
HUBER = 2.0  # deviations from which the loss grows linearly


@lru_cache(maxsize=8)
def window(height: int, width: int) -> np.ndarray:
    """Hann, sampled at pixel centres, as in Calor's own metric."""
    return np.outer(*(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n) for n in (height, width)))


@lru_cache(maxsize=8)
def band_numbers(height: int, width: int, bands: int) -> np.ndarray:
    """[height, width]: the band of each frequency, `bands` for those beyond half a cycle per pixel."""
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    return np.minimum((radius * 2 * bands).astype(int), bands)


def transformed(image: np.ndarray) -> np.ndarray:
    w = window(*image.shape)
    return np.fft.fft2(w * (image - image.mean())) / np.sqrt((w * w).sum())


def powers(transform: np.ndarray, bands: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean power of each band in levels², comparable between sizes, and how many frequencies it has."""
    numbers = band_numbers(*transform.shape, bands).ravel()
    counts = np.bincount(numbers, minlength=bands + 1)[:bands]
    sums = np.bincount(numbers, (np.abs(transform) ** 2).ravel(), bands + 1)[:bands]
    return sums / np.maximum(counts, 1), counts


def log_spectrum(image: np.ndarray, bands: int = BANDS) -> np.ndarray:
    return np.log(powers(transformed(image.astype(np.float64)), bands)[0] + FLOOR)


def decibels(difference: np.ndarray) -> np.ndarray:
    return difference * (10 / np.log(10))


def band_weights(scale: int) -> np.ndarray:
    """Zero below the small image's Nyquist frequency, which consistency fixes, and above `HIGHEST`; a ramp between."""
    centres = (np.arange(BANDS) + 0.5) / (2 * BANDS)
    lowest, ramp = 0.5 / scale, 2 / (2 * BANDS)
    return np.clip((centres - lowest) / ramp, 0, 1) * np.clip((HIGHEST - centres) / ramp, 0, 1)


def spectral_distance(image: np.ndarray, reference: np.ndarray, scale: int) -> float:
    """Root mean square difference of the log-spectra over the bands that the small image does not hold, in dB."""
    weights = band_weights(scale)
    difference = decibels(log_spectrum(image) - log_spectrum(reference))
    return float(np.sqrt((weights * difference**2).sum() / weights.sum()))


@dataclass(frozen=True)
class Prior:
    """Predicts the log-spectrum of the large image from the small one, by linear regression for each band."""

    scale: int
    coefficients: np.ndarray  # [BANDS, SMALL_BANDS]: a constant, then the small image's bands 1 to 7
    deviations: np.ndarray  # [BANDS]

    def predicted(self, small: np.ndarray) -> np.ndarray:
        return self.coefficients @ features(small)

    @staticmethod
    def read(path: Path) -> "Prior":
        stored = json.loads(path.read_text())
        return Prior(stored["scale"], np.array(stored["coefficients"]), np.array(stored["deviations"]))


def features(small: np.ndarray) -> np.ndarray:
    return np.concatenate([[1.0], log_spectrum(small, SMALL_BANDS)[1:]])


def ridge(inputs: np.ndarray, outputs: np.ndarray, strength: float) -> np.ndarray:
    """[outputs, inputs]; the constant, the first input, is not held back."""
    penalty = strength * len(inputs) * np.eye(inputs.shape[1])
    penalty[0, 0] = 0
    return np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ outputs).T


def spectral_loss(image: np.ndarray, target: np.ndarray, deviations: np.ndarray, weights: np.ndarray,
                  one_sided: bool = False) -> tuple[float, np.ndarray]:
    """½ Σ w Huber((S - m) / sd), and its gradient by the image. One-sided: only bands that lack power count."""
    transform = transformed(image)
    power, counts = powers(transform, BANDS)
    offset = (np.log(power + FLOOR) - target) / deviations
    if one_sided:
        offset = np.minimum(offset, 0)
    size = np.abs(offset)
    huber = np.where(size <= HUBER, offset**2, 2 * HUBER * size - HUBER**2)
    by_spectrum = weights * np.clip(offset, -HUBER, HUBER) / deviations
    by_power = np.append(by_spectrum / (np.maximum(counts, 1) * (power + FLOOR)), 0.0)
    w = window(*image.shape)
    back = np.fft.ifft2(by_power[band_numbers(*image.shape, BANDS)] * transform).real
    gradient = 2 * image.size / np.sqrt((w * w).sum()) * w * back
    return float(0.5 * (weights * huber).sum()), gradient - gradient.mean()
