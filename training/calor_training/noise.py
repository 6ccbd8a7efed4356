"""Noise that depends only on (seed, image, channel, y, x): the same for any tiles, threads and order.

Philox4x32-10 and Box and Muller. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011."""

import struct

import numpy as np

MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
ROUNDS = 10
LOW = np.uint64(0xFFFFFFFF)
WORD = 0xFFFF_FFFF_FFFF_FFFF


def philox(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Four words of 32 bits, from counters [..., 4] and one key."""
    a, b, c, d = (np.asarray(counter[..., i], np.uint64) for i in range(4))
    k0, k1 = (np.uint64(k) for k in key)
    for _ in range(ROUNDS):
        first, second = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = (second >> np.uint64(32)) ^ b ^ k0, second & LOW, (first >> np.uint64(32)) ^ d ^ k1, first & LOW
        k0, k1 = (k0 + WEYL[0]) & LOW, (k1 + WEYL[1]) & LOW
    return np.stack([a, b, c, d], -1).astype(np.uint32)


def mixed(value: int) -> int:
    """One number of SplitMix64."""
    value = value + 0x9E3779B97F4A7C15 & WORD
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & WORD
    value = (value ^ value >> 27) * 0x94D049BB133111EB & WORD
    return value ^ value >> 31


def normal_field(seed: int, channel: int, height: int, width: int, top: int = 0, left: int = 0, image_key: int = 0
                 ) -> np.ndarray:
    """[height, width] of a standard normal, float64, for the pixels from (top, left) on.

    The layout is that of `CounterNoise` in Calor: four neighbours along a row share one call of the generator.
    """
    key = mixed(mixed(seed & WORD) + image_key & WORD)
    y, x = np.meshgrid(np.arange(top, top + height), np.arange(left, left + width), indexing="ij")
    counter = np.stack([x >> 2, y, np.full_like(x, channel), np.zeros_like(x)], -1).astype(np.uint64)
    words = philox(counter, (key & 0xFFFFFFFF, key >> 32)).astype(np.float64)
    lane = x & 3
    pair = lane & 2  # words 0 and 1 give lanes 0 and 1, words 2 and 3 the others
    first, second = (np.take_along_axis(words, (pair + k)[..., None], -1)[..., 0] for k in (0, 1))
    radius, angle = np.sqrt(-2 * np.log((first + 0.5) / 2**32)), (second + 0.5) / 2**31 * np.pi
    return radius * np.where(lane & 1, np.sin(angle), np.cos(angle))


def normal_fields(seed: int, shape: tuple[int, int, int], top: int = 0, left: int = 0, image_key: int = 0) -> np.ndarray:
    """[channels, height, width] of 32 bits, as Calor draws them."""
    channels, height, width = shape
    fields = [normal_field(seed, channel, height, width, top, left, image_key) for channel in range(channels)]
    return np.stack(fields).astype(np.float32)


def image_key(planes: np.ndarray) -> int:
    """Of the noise of an image: what `SamplingProcess` makes of the planes that the network is given."""
    _, height, width = planes.shape
    key = (width * 0x100000001B3 ^ height) & WORD
    for value in planes.astype("<f4").ravel():
        key = (key ^ struct.unpack("<I", value.tobytes())[0]) * 0x100000001B3 & WORD
    return key
