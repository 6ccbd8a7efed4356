"""PSNR and SSIM of images in 0…255, with 4 pixels shaved from each side of both."""

import math

import numpy as np

MARGIN = 4


def shaved(image: np.ndarray) -> np.ndarray:
    return image[MARGIN:-MARGIN, MARGIN:-MARGIN].astype(np.float64)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Over all channels together."""
    error = np.mean((shaved(a) - shaved(b)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def luma(image: np.ndarray) -> np.ndarray:
    """Full-range BT.601 luma of [h, w, 3], not rounded."""
    return image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def windowed_mean(plane: np.ndarray) -> np.ndarray:
    """Under an 11x11 Gaussian of deviation 1.5, where the window fits."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    taps /= taps.sum()
    rows = sum(w * plane[:, k : plane.shape[1] - 10 + k] for k, w in enumerate(taps))
    return sum(w * rows[k : rows.shape[0] - 10 + k] for k, w in enumerate(taps))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Of one plane, [h, w]. Source: Wang et al., Image quality assessment, IEEE TIP 2004, equation 13."""
    a, b = shaved(a), shaved(b)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = windowed_mean(a), windowed_mean(b)
    var_a = windowed_mean(a * a) - mean_a**2
    var_b = windowed_mean(b * b) - mean_b**2
    covariance = windowed_mean(a * b) - mean_a * mean_b
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(np.mean(similarity / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))))


def order_violations(found: np.ndarray, reference: np.ndarray, least: float = 12.75) -> float:
    """Share of neighbouring means of 8x8 pixels, at least `least` levels apart, that lie the other way round.

    Source: the thermal order of Real-IISR, counted.
    """
    height, width = (side // 8 * 8 for side in found.shape)
    a, b = (x[:height, :width].astype(np.float64).reshape(height // 8, 8, width // 8, 8).mean((1, 3))
            for x in (reference, found))
    pairs = turned = 0
    rows, columns = a.shape
    for y, x in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = slice(0, rows - y), slice(max(0, -x), columns - max(0, x))
        there = slice(y, rows), slice(max(0, x), columns + min(0, x))
        wanted, had = a[there] - a[here], b[there] - b[here]
        clear = np.abs(wanted) >= least
        pairs, turned = pairs + int(clear.sum()), turned + int((clear & (wanted * had < 0)).sum())
    return turned / pairs if pairs else 0.0
