"""Noise that depends only on (seed, step, y, x): the same for any tiles, threads and order.

Philox4x32-10 and Box and Muller. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011."""

import numpy as np

MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
ROUNDS = 10
LOW = np.uint64(0xFFFFFFFF)


def philox(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Four words of 32 bits, from counters [..., 4] and one key."""
    a, b, c, d = (np.asarray(counter[..., i], np.uint64) for i in range(4))
    k0, k1 = (np.uint64(k) for k in key)
    for _ in range(ROUNDS):
        first, second = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = (second >> np.uint64(32)) ^ b ^ k0, second & LOW, (first >> np.uint64(32)) ^ d ^ k1, first & LOW
        k0, k1 = (k0 + WEYL[0]) & LOW, (k1 + WEYL[1]) & LOW
    return np.stack([a, b, c, d], -1).astype(np.uint32)


def normal_field(seed: int, step: int, height: int, width: int, top: int = 0, left: int = 0) -> np.ndarray:
    """[height, width] of a standard normal, float64, for the pixels from (top, left) on."""
    y, x = np.meshgrid(np.arange(top, top + height), np.arange(left, left + width), indexing="ij")
    counter = np.stack([x, y, np.full_like(x, step), np.zeros_like(x)], -1).astype(np.uint64)
    words = philox(counter, (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF)).astype(np.float64)
    # The first word in (0, 1], so that its logarithm is finite.
    return np.sqrt(-2 * np.log((words[..., 0] + 1) / 2**32)) * np.cos(2 * np.pi * words[..., 1] / 2**32)
