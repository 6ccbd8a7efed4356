"""Measures a residual-shift enlarger on the test sets, without and with guidance, and prints one row for each mode.

PSNR and SSIM as in evaluate.py; spectral distance to the truth in dB over the bands that the small image does not hold;
consistency, the root mean square of the small image minus the reduced result in levels; order violations of means of
8x8 pixels; and the largest change of the guidance loss in a round, which must not be above zero. Residual-shift enhancers are measured by evaluate.py.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from calor_training.benchmarks import benchmarks
from calor_training.consistency import consistent, reduce
from calor_training.degradations import as_bytes
from calor_training.guidance import Guidance, rms
from calor_training.images import resized
from calor_training.metrics import order_violations, psnr, ssim
from calor_training.presets import PRESETS
from calor_training.runs import average_of
from calor_training.shift_network import build_shift
from calor_training.shifting import RESIDUAL_DEVIATION
from calor_training.spectrum import Prior, spectral_distance
from calor_training.targets import LEVELS, sampled_image

ROOT = Path(__file__).resolve().parent.parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="ir-x4-shift",
                        choices=[p for p in PRESETS if PRESETS[p].purpose == "residual-shift" and PRESETS[p].scale > 1])
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with test/")
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs", help="the --out of train_shift.py")
    parser.add_argument("--prior", type=Path, help="default: training/spectra/ir-xSCALE.json")
    parser.add_argument("--sets", default="", help="measure only sets whose name contains this")
    parser.add_argument("--step", type=float, default=0.1, help="of guidance, in residual deviations")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


Result = tuple[np.ndarray, list[tuple[float, float]]]


def modes(network: torch.nn.Module, guidance: Guidance, scale: int) -> dict[str, Callable[[np.ndarray, int], Result]]:
    """From a small image and the image's number to levels, and the losses of guidance."""

    def bicubic(small: np.ndarray, number: int) -> Result:
        height, width = (side * scale for side in small.shape)
        return resized(small.astype(np.float32), width, height).astype(np.float64), []

    def corrected(small: np.ndarray, number: int) -> Result:
        return consistent(bicubic(small, number)[0], small.astype(np.float64), scale), []

    def shifted(noisy: bool, steps: int, guide: Guidance | None) -> Callable[[np.ndarray, int], Result]:
        return lambda small, number: sampled_image(network, small, seed=number if noisy else None, steps=steps,
                                                   guidance=guide)

    steps = len(network.schedule.roots)
    return {"bicubic": bicubic, "bicubic, consistent": corrected, "one step, no noise": shifted(False, 1, None),
            f"{steps} steps, no noise": shifted(False, steps, None), "one step": shifted(True, 1, None),
            f"{steps} steps": shifted(True, steps, None), f"{steps} steps, guided": shifted(True, steps, guidance)}


def measured(run: Callable[[np.ndarray, int], Result], pairs: list, scale: int) -> dict[str, float]:
    rows, rise, began = [], -np.inf, time.process_time()
    for number, (small, high) in enumerate(pairs):
        small, high = small[..., 0], high[..., 0]
        found, losses = run(small, number)
        rise = max([rise, *(after - before for before, after in losses)])
        image = as_bytes(found)
        rows.append((psnr(image, high), ssim(image, high), spectral_distance(image, high, scale),
                     rms(small - reduce(found, scale)), order_violations(image, high)))
    names = "psnr", "ssim", "spectral", "consistency", "order"
    result = dict(zip(names, (float(v) for v in np.mean(rows, 0))))
    return result | {"seconds": (time.process_time() - began) / len(pairs)} | ({"rise": rise} if np.isfinite(rise) else {})


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    preset = PRESETS[options.preset]
    path = options.out / preset.name / "last.pt"
    if not path.exists():
        raise SystemExit(f"There is no {path}. Train it with train_shift.py --preset {preset.name} first.")
    network = build_shift(preset).eval()
    network.load_state_dict(average_of(path))
    prior = Prior.read(options.prior or ROOT / f"training/spectra/ir-x{preset.scale}.json")
    guidance = Guidance(prior, step=options.step, deviation=RESIDUAL_DEVIATION[preset.scale] * LEVELS)
    tables = []
    for benchmark in benchmarks(preset, options.data):
        if options.sets not in benchmark.name:
            continue
        pairs = list(benchmark.pairs())
        for mode, run in modes(network, guidance, preset.scale).items():
            row = measured(run, pairs, preset.scale)
            tables.append({"set": benchmark.name, "mode": mode, **row})
            print(f"{benchmark.name:22} {mode:22}", *(f"{k} {v:.4f}" for k, v in row.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(tables, indent=1) + "\n")


if __name__ == "__main__":
    main()
