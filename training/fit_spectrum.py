"""Fits the spectral prior: from the log-spectrum of a small image to that of the large one, by ridge regression on
training pairs. Writes a JSON file of a few kB, with what a leave-one-image-out test says of it.

What the small image says of the finest bands differs from camera to camera. A prior for one kind of camera is fitted on its images:
`--images roadscene --kinds plain`, or `--kinds softened` for images that were enlarged when they were registered.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from calor_training.images import image_paths, read_grey, reduced
from calor_training.pairs import pair_of, softened
from calor_training.spectrum import BANDS, SMALL_BANDS, decibels, features, log_spectrum, ridge

ROOT = Path(__file__).resolve().parent.parent
GROUPS = {"0-1/8": (0, 8), "1/8-1/4": (8, 16), "1/4-3/8": (16, 24), "3/8-1/2": (24, 32)}  # cycles per pixel


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--out", type=Path, help="default: training/spectra/ir-xSCALE.json")
    parser.add_argument("--images", default="", help="only training images whose name begins so")
    parser.add_argument("--kinds", default="plain,smaller,softened", help="as they are, at 0.7 of their size, softened")
    parser.add_argument("--strength", type=float, default=1e-3, help="of the ridge")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def samples(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, outputs, and the number of the image that each row comes from: plain, at 0.7, and softened."""
    inputs, outputs, images = [], [], []
    kinds = options.kinds.split(",")
    for index, path in enumerate(image_paths(options.data / "train/ir")):
        if not path.name.startswith(options.images):
            continue
        rng = np.random.default_rng((options.seed, index))
        full = read_grey(path)
        planes = {"plain": lambda: full, "smaller": lambda: reduced(full, 0.7), "softened": lambda: softened(full, rng)}
        for plane in (planes[kind]() for kind in kinds):
            low, high = pair_of(plane, options.scale)
            inputs.append(features(low))
            outputs.append(log_spectrum(high))
            images.append(index)
    return np.array(inputs), np.array(outputs), np.array(images)


def left_out_errors(inputs: np.ndarray, outputs: np.ndarray, images: np.ndarray, strength: float, parts: int = 20
                    ) -> np.ndarray:
    """Prediction minus truth, each image predicted by a fit that has not seen it (in `parts` groups of images)."""
    errors = np.empty_like(outputs)
    for part in range(parts):
        test = images % parts == part
        errors[test] = inputs[test] @ ridge(inputs[~test], outputs[~test], strength).T - outputs[test]
    return errors


def by_group(errors: np.ndarray) -> dict[str, float]:
    """Root mean square in dB."""
    return {name: round(float(np.sqrt(np.mean(decibels(errors[:, a:b]) ** 2))), 2) for name, (a, b) in GROUPS.items()}


def main() -> None:
    options = arguments()
    inputs, outputs, images = samples(options)
    errors = left_out_errors(inputs, outputs, images, options.strength)
    mean_only = outputs - outputs.mean(0)
    result = {
        "scale": options.scale, "bands": BANDS, "smallBands": SMALL_BANDS, "images": len(set(images.tolist())),
        "seed": options.seed, "strength": options.strength,
        "leftOutDecibels": by_group(errors), "meanSpectrumDecibels": by_group(mean_only),
        "deviations": [round(float(v), 5) for v in np.sqrt(np.mean(errors**2, 0))],
        "coefficients": [[round(float(v), 5) for v in row] for row in ridge(inputs, outputs, options.strength)],
    }
    path = options.out or ROOT / f"training/spectra/ir-x{options.scale}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in result.items()]
    path.write_text("{\n" + ",\n".join(lines).replace("], [", "],\n  [") + "\n}\n")
    print(f"{path}: left out {result['leftOutDecibels']} dB, mean spectrum alone {result['meanSpectrumDecibels']} dB")


if __name__ == "__main__":
    main()
