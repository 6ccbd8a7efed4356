"""Distilled students beside their teacher on damaged test images: fidelity, spectrum and cost of each.

    python training/compare_distilled.py --preset enhance-rgb-distilled --out training/runs

Every OUT/PRESET-METHOD/last.pt is measured in the way that it was trained for: one step; two, one for each expert, after `phased`. The
teacher takes four. "From noise" is Calor's `mode: texture`; "quiet" starts without noise and is `mode: fidelity`. The spectral distance is that of evaluate_shift.py at scale 4: root mean
square of the radial log-spectra's difference to the truth's above an eighth of a cycle per pixel, in dB, of luma.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from calor_training.benchmarks import benchmarks
from calor_training.distillation import METHODS, PHASE, Experts
from calor_training.metrics import luma, psnr, shaved
from calor_training.presets import PRESETS, Preset
from calor_training.runs import average_of
from calor_training.shift_network import build_shift
from calor_training.spectrum import spectral_distance
from evaluate import process_runner, restored

ROOT = Path(__file__).resolve().parent.parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", required=True, choices=[p for p in PRESETS if p.endswith("-distilled") and PRESETS[p].scale == 1])
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with test/")
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs")
    parser.add_argument("--set", default="noise15", help="the first set whose name contains this")
    parser.add_argument("--images", type=int, help="only this many, evenly spread")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def grey(image: np.ndarray) -> np.ndarray:
    return luma(image) if image.shape[2] == 3 else image[..., 0]


def measured(network: torch.nn.Module, steps: list[int], preset: Preset, pairs: list) -> dict:
    """Of the steps, ascending, of the network's process."""
    figures = {}
    began = time.process_time()
    for noisy in (True, False):
        runner, rows = process_runner(network, network.schedule.only(steps), noisy), []
        for image, target in pairs:
            found = restored(image, preset, runner)
            rows.append((psnr(found, target), spectral_distance(shaved(grey(found)), shaved(grey(target)), 4)))
        figures["from noise" if noisy else "quiet"] = dict(zip(("psnr", "spectral"), np.mean(rows, 0).tolist()))
    figures["seconds"] = (time.process_time() - began) / 2 / len(pairs)
    return figures


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    preset = PRESETS[options.preset]
    benchmark = next(b for b in benchmarks(preset, options.data) if options.set in b.name)
    pairs = list(benchmark.pairs())
    if options.images:
        pairs = [pairs[i] for i in np.linspace(0, len(pairs) - 1, options.images).round().astype(int)]
    last = len(build_shift(preset).schedule.roots) - 1
    runs = [("teacher", options.out / preset.start_from / "last.pt", list(range(last + 1))),
            ("teacher, one step", options.out / preset.start_from / "last.pt", [last])]
    runs += [(method, options.out / f"{preset.name}-{method}" / "last.pt", [PHASE, last] if METHODS[method].phased else [last])
             for method in METHODS]
    print(f"{benchmark.name}: {len(pairs)} images", flush=True)
    result = {}
    for name, path, steps in runs:
        if not path.exists():
            continue
        phased = name in METHODS and METHODS[name].phased
        network = (Experts(build_shift(preset), build_shift(preset)) if phased else build_shift(preset)).eval()
        network.load_state_dict(average_of(path))
        result[name] = measured(network, steps, preset, pairs)
        a, b = result[name]["from noise"], result[name]["quiet"]
        print(f"{name:18} {len(steps)} steps  from noise {a['psnr']:.2f} dB, spectrum {a['spectral']:.2f} dB"
              f"  quiet {b['psnr']:.2f} dB, {b['spectral']:.2f} dB  {result[name]['seconds']:.2f} s an image", flush=True)
    if options.json:
        tables = {name: [{"set": benchmark.name, "mode": mode, **row[mode]} for mode in ("quiet", "from noise")]
                  for name, row in result.items()}
        options.json.write_text(json.dumps({"figures": result, "tables": tables}, indent=1) + "\n")


if __name__ == "__main__":
    main()
