"""How much of the difference in recorded pairs (ir-flir-iisr) any enlarger could remove: bicubic as it is, moved, and moved and sharpened.

    python training/examine_recorded_pairs.py --data ../shared/data

Everything but the first column knows the truth: the shift in whole pixels and the unsharp mask (deviation, amount) with the best PSNR
of each image. The slope is that of the truth on the moved enlargement: 1 where both have the same contrast. Needs SciPy.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from calor_training.benchmarks import given_pairs
from calor_training.images import resized
from calor_training.metrics import psnr

ROOT = Path(__file__).resolve().parent.parent
FARTHEST = 5  # pixels of the large image


def moved(image: np.ndarray, y: int, x: int) -> np.ndarray:
    """Edges are repeated."""
    padded = np.pad(image, FARTHEST, mode="edge")
    return padded[FARTHEST - y :, FARTHEST - x :][: image.shape[0], : image.shape[1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with test/")
    options = parser.parse_args()
    rows = []
    for low, high in given_pairs(options.data / "test/ir-flir-iisr"):
        high = high[..., 0].astype(np.float64)
        large = resized(low[..., 0], high.shape[1], high.shape[0]).astype(np.float64)
        shifts = itertools.product(range(-FARTHEST, FARTHEST + 1), repeat=2)
        y, x = max(shifts, key=lambda s: psnr(moved(large, *s), high))
        still = moved(large, y, x)
        sharp = max(psnr(still + k * (still - gaussian_filter(still, s)), high) for s in (1.5, 2.5, 4) for k in (0, 0.3, 0.6, 1, 1.5))
        rows.append((psnr(large, high), psnr(still, high), sharp, np.polyfit(still.ravel(), high.ravel(), 1)[0]))
        print("bicubic {:.2f}  moved {:.2f}  and sharpened {:.2f}  slope {:.2f}".format(*rows[-1]), f" shift {y}, {x}")
    print("mean: bicubic {:.2f}  moved {:.2f}  and sharpened {:.2f}  slope {:.2f}".format(*np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
