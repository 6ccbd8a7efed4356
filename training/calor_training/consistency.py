"""Exact data consistency: the smallest change of an image that makes its reduction equal the given small image.

The reduction A is Pillow's antialiased bicubic, without the rounding between its two passes: A x = V x H^T, with one
banded matrix for each axis. Source: ../shared/design/algorithms.md 7.4 (a)."""

import functools

import numpy as np
from scipy.linalg import cholesky_banded, cho_solve_banded

from .networks import cubic

ROUNDING_SLACK = 0.5  # levels: what rounding the small image to 8 bits may have changed
SUPPORT = 2  # of the cubic, in pixels of the smaller grid


@functools.cache
def reduction(length: int, scale: int) -> np.ndarray:
    """[length / scale, length]: one axis of A, float64."""
    if length % scale:
        raise ValueError(f"A side of {length} is not a multiple of {scale}: crop the image first.")
    matrix = np.zeros((length // scale, length))
    for i in range(length // scale):
        centre = (i + 0.5) * scale
        first = max(0, int(centre - SUPPORT * scale + 0.5))
        last = min(length, int(centre + SUPPORT * scale + 0.5))
        weights = cubic((np.arange(first, last) - centre + 0.5) / scale)
        matrix[i, first:last] = weights / weights.sum()
    return matrix


@functools.cache
def gram_factor(length: int, scale: int) -> np.ndarray:
    """Lower banded Cholesky factor of A A^T, [4, length / scale]: its half-width is 3."""
    gram = reduction(length, scale) @ reduction(length, scale).T
    bands = np.zeros((4, gram.shape[0]))
    for k in range(min(4, gram.shape[0])):
        bands[k, : gram.shape[0] - k] = np.diagonal(gram, -k)
    return cholesky_banded(bands, lower=True)


def reduce(image: np.ndarray, scale: int) -> np.ndarray:
    """A x."""
    height, width = image.shape
    return reduction(height, scale) @ image @ reduction(width, scale).T


def reduce_transposed(small: np.ndarray, scale: int) -> np.ndarray:
    """A^T y."""
    height, width = (side * scale for side in small.shape)
    return reduction(height, scale).T @ small @ reduction(width, scale)


def pseudo_inverse(small: np.ndarray, scale: int) -> np.ndarray:
    """A^+ y = A^T (A A^T)^-1 y, the smallest image that reduces to y."""
    height, width = (side * scale for side in small.shape)
    solved = cho_solve_banded((gram_factor(height, scale), True), small)
    solved = cho_solve_banded((gram_factor(width, scale), True), solved.T).T
    return reduce_transposed(solved, scale)


def soft(values: np.ndarray, threshold: float) -> np.ndarray:
    return np.sign(values) * np.maximum(np.abs(values) - threshold, 0)


def consistent(image: np.ndarray, small: np.ndarray, scale: int, threshold: float = ROUNDING_SLACK) -> np.ndarray:
    """The image plus A^+ of what its reduction lacks beyond the threshold; all in levels 0…255."""
    return image + pseudo_inverse(soft(small - reduce(image, scale), threshold), scale)


def in_null_space(change: np.ndarray, scale: int) -> np.ndarray:
    """The part of a change that the reduction does not see."""
    return change - pseudo_inverse(reduce(change, scale), scale)
