"""Reference values of the averaged radial power spectrum, written to spectrum.json beside this file. Needs NumPy."""

import json
from pathlib import Path

import numpy as np


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    return 0.5 + 0.2 * np.sin(0.13 * x + 0.02 * y * y / 7) + 0.1 * np.cos(0.9 * y + 0.3 * x) + 0.05 * np.sin(2.1 * x * 0.7 + y)


def starts(length, side):
    return [0] if length <= side else [*range(0, length - side, side // 2), length - side]


def hann(count):
    return 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(count) + 0.5) / count)


def band_power(image, side, bands):
    height, width = image.shape
    window = np.outer(hann(min(height, side)), hann(min(width, side)))
    frequency = np.abs(np.fft.fftfreq(side))
    band = (np.hypot(frequency[:, None], frequency[None]) * 2 * bands).astype(int)
    total, tiles = np.zeros(bands), 0
    for top in starts(height, side):
        for left in starts(width, side):
            part = image[top:top + side, left:left + side]
            power = np.abs(np.fft.fft2((part - part.mean()) * window, (side, side)))**2
            total += [power[band == b].mean() for b in range(bands)]
            tiles += 1
    return total / tiles / (window**2).sum()


if __name__ == "__main__":
    cases = [{"width": w, "height": h, "side": s, "bands": b, "power": band_power(picture(w, h), s, b).tolist()}
             for w, h, s, b in ((256, 256, 256, 32), (300, 270, 256, 32), (40, 28, 256, 32), (75, 67, 64, 8))]
    (Path(__file__).parent / "spectrum.json").write_text(json.dumps({"cases": cases}, separators=(",", ":")) + "\n")
