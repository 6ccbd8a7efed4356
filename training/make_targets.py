"""Writes the guided targets of the one-step student: OUT/targets/NNNNN.npz, one for each training image.

Those that exist are kept, so a stopped run goes on. Image n uses the noise of seed (SEED, n) and depends on nothing else.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from calor_training.guidance import Guidance
from calor_training.images import cropped_to_multiple, read_grey, resized
from calor_training.pairs import training_images
from calor_training.presets import PRESETS
from calor_training.runs import average_of
from calor_training.shards import write_shard
from calor_training.shift_network import build_shift
from calor_training.shifting import RESIDUAL_DEVIATION
from calor_training.spectrum import Prior
from calor_training.targets import LEVELS, guided_target

ROOT = Path(__file__).resolve().parent.parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="ir-x4-shift", help="the teacher")
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs", help="the --out of train_shift.py")
    parser.add_argument("--prior", type=Path, help="default: training/spectra/ir-xSCALE.json")
    parser.add_argument("--step", type=float, default=0.1, help="of guidance in the sampler, in residual deviations")
    parser.add_argument("--strength", type=float, default=0.1, help="of the gradient in the target, likewise")
    parser.add_argument("--limit", type=int, help="only that many images")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    preset = PRESETS[options.preset]
    path = options.out / preset.name / "last.pt"
    if not path.exists():
        raise SystemExit(f"There is no {path}. Train the teacher with train_shift.py --preset {preset.name} first.")
    network = build_shift(preset).eval()
    network.load_state_dict(average_of(path))
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    prior = Prior.read(options.prior or ROOT / f"training/spectra/ir-x{preset.scale}.json")
    guidance = Guidance(prior, step=options.step, deviation=RESIDUAL_DEVIATION[preset.scale] * LEVELS)
    folder = options.out / "targets"
    folder.mkdir(parents=True, exist_ok=True)
    for index, path in enumerate(training_images(preset, options.data)[: options.limit]):
        file = folder / f"{index:05d}.npz"
        if file.exists():
            continue
        high = cropped_to_multiple(read_grey(path), preset.scale)
        small = resized(high, high.shape[1] // preset.scale, high.shape[0] // preset.scale)
        seed = options.seed << 32 | index
        target = guided_target(network, small, high, seed, guidance, options.strength)
        write_shard(file, {"low": small, "high": high, "target": target.astype(np.float16), "seed": np.int64(seed)})
        print(f"{file.name}  {path.name}", flush=True)


if __name__ == "__main__":
    main()
