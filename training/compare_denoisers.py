"""Calor's enhancers against classical denoisers with their best settings, on damaged test images: PSNR and processor time.

    pip install bm3d opencv-python-headless numpy pillow scipy
    python training/compare_denoisers.py --data ../shared/data --images 4

RGB: BM3D on luma and chroma together and OpenCV's fastNlMeansDenoisingColored. Infrared: the medians of columns are levelled first
(a classical destripe), then BM3D. Of every setting that is tried, the one with the best mean PSNR over the set counts:
the classical methods are given the truth to choose by, Calor is not.
"""

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from calor_training.benchmarks import benchmarks
from calor_training.degradations import as_bytes
from calor_training.metrics import psnr
from calor_training.presets import PRESETS

ROOT = Path(__file__).resolve().parent.parent
SETS = {"enhance-rgb": ["rgb-set14+noise15+jpeg60", "rgb-set14+noise25"], "enhance-ir": ["ir-roadscene+stripes+noise8", "ir-roadscene+noise15"]}
Method = Callable[[np.ndarray], tuple[np.ndarray, float]]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with test/")
    parser.add_argument("--calor", type=Path, default=ROOT / ".build/release/calor")
    parser.add_argument("--models", default="enhance-rgb,enhance-ir")
    parser.add_argument("--sets", default="", help="only sets whose name contains this")
    parser.add_argument("--images", type=int, help="only this many of each set, evenly spread")
    parser.add_argument("--sigmas", default="6,8,10,12,16,20,25", help="deviations for BM3D, of 255")
    parser.add_argument("--strengths", default="4,6,8,10,13,17", help="h of OpenCV's non-local means")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def calor(options: argparse.Namespace, model: str, settings: tuple[str, ...] = ()) -> Method:
    def run(image: np.ndarray) -> tuple[np.ndarray, float]:
        with tempfile.TemporaryDirectory() as folder:
            Image.fromarray(image if image.shape[2] == 3 else image[..., 0]).save(f"{folder}/in.png")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            words = [word for setting in settings for word in ("--set", f"clean.{setting}")]
            subprocess.run([options.calor.resolve(), "run", ROOT / f"pipelines/{model}.yaml", "in.png", "-o", "out", "--quiet",
                            "--threads", "1", *words], check=True, cwd=folder)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            found = np.asarray(Image.open(f"{folder}/out/in.png"))
            return (found if found.ndim == 3 else found[..., None]), (
                after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    return run


def levelled(plane: np.ndarray) -> np.ndarray:
    """Every column's median of differences to a smooth version of its row, taken away."""
    from scipy.ndimage import gaussian_filter1d

    rest = plane - gaussian_filter1d(plane, 6, axis=1, mode="nearest")
    return plane - np.median(rest, axis=0, keepdims=True)


def bm3d(sigma: float, destripe: bool) -> Method:
    from bm3d import bm3d as grey
    from bm3d import bm3d_rgb

    def run(image: np.ndarray) -> tuple[np.ndarray, float]:
        began = time.process_time()
        values = image.astype(np.float64)
        if image.shape[2] == 3:
            found = bm3d_rgb(values / 255, sigma / 255) * 255
        else:
            plane = levelled(values[..., 0]) if destripe else values[..., 0]
            found = (np.asarray(grey(plane / 255, sigma / 255)) * 255).reshape(*plane.shape, 1)
        return as_bytes(found), time.process_time() - began

    return run


def non_local_means(strength: float) -> Method:
    import cv2

    cv2.setNumThreads(1)

    def run(image: np.ndarray) -> tuple[np.ndarray, float]:
        began = time.process_time()
        if image.shape[2] == 3:
            found = cv2.fastNlMeansDenoisingColored(image[..., ::-1].copy(), None, strength, strength, 7, 21)[..., ::-1]
        else:
            found = cv2.fastNlMeansDenoising(image[..., 0].copy(), None, strength, 7, 21)[..., None]
        return found, time.process_time() - began

    return run


def best(candidates: dict[str, Method], images: list) -> tuple[str, np.ndarray]:
    """The candidate with the best mean PSNR, and its rows of PSNR and seconds."""
    results = {}
    for label, run in candidates.items():
        rows = []
        for damaged, clean in images:
            found, seconds = run(damaged)
            rows.append((psnr(found, clean), seconds))
        results[label] = np.array(rows)
    chosen = max(results, key=lambda label: results[label][:, 0].mean())
    return chosen, results[chosen]


def main() -> None:
    options = arguments()
    sigmas = [float(s) for s in options.sigmas.split(",")]
    strengths = [float(s) for s in options.strengths.split(",")]
    tables = []
    for model in options.models.split(","):
        for benchmark in benchmarks(PRESETS[model], options.data):
            if benchmark.name not in SETS[model] or options.sets not in benchmark.name:
                continue
            images = list(benchmark.pairs())
            if options.images:
                images = [images[i * len(images) // options.images] for i in range(min(options.images, len(images)))]
            striped = "stripes" in benchmark.name
            rivals = {"BM3D": {f"{'destripe + ' * striped}BM3D, sigma {s:g}": bm3d(s, striped) for s in sigmas}}
            rivals["NLM"] = {f"non-local means, h {h:g}": non_local_means(h) for h in strengths}
            rivals["Calor"] = {f"Calor {model}": calor(options, model)}
            rivals["Calor, 8"] = {f"Calor {model}, ensemble of 8": calor(options, model, ("ensemble=8",))}
            damaged = np.mean([psnr(a, b) for a, b in images])
            print(f"\n{benchmark.name}, {len(images)} images, damaged {damaged:.2f} dB\n\n| method | PSNR | CPU s an image |\n|---|---:|---:|")
            for candidates in rivals.values():
                label, rows = best(candidates, images)
                tables.append({"set": benchmark.name, "method": label, "damaged": damaged, "rows": rows.tolist()})
                print(f"| {label} | {rows[:, 0].mean():.2f} | {rows[:, 1].mean():.2f} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(tables, indent=1) + "\n")


if __name__ == "__main__":
    main()
