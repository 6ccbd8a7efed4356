"""Compares Calor's sampler with PyTorch's on an exported residual-shift model: same image, same noise, both modes.

Prints the largest difference in units of 0…1 for each mode and number of steps, and exits 1 above the tolerance.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from calor_training.noise import image_key, normal_fields
from calor_training.presets import PRESETS
from calor_training.runs import average_of
from calor_training.samplers import sampled
from calor_training.shift_network import ShiftResolver, build_shift

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-4


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="ir-x4-shift",
                        choices=[p for p in PRESETS if PRESETS[p].purpose == "residual-shift"])
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs", help="the --out of train_shift.py")
    parser.add_argument("--model", type=Path, help="folder of the exported model (default: OUT/exported/PRESET)")
    parser.add_argument("--calor", type=Path, default=ROOT / ".build/release/calor")
    parser.add_argument("--side", type=int, nargs=2, default=(46, 60), metavar=("HEIGHT", "WIDTH"),
                        help="even for models that keep the size")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def scene(height: int, width: int, channels: int) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [0.5 + 0.3 * np.sin(columns * (0.4 + 0.1 * c) + rows * 0.2) * np.cos(rows * 0.35) + 0.1 * (columns > width / 2)
             for c in range(channels)]
    return np.stack(waves).astype(np.float32)


@torch.no_grad()
def reference(network: ShiftResolver, image: np.ndarray, limits: np.ndarray, *, noisy: bool, steps: int, seed: int
              ) -> np.ndarray:
    """`limits` are the values of the image that the network sees as -1 and 1."""
    given = (image - limits[0]) * (np.float32(2) / (limits[1] - limits[0])) + np.float32(-1)
    low = torch.from_numpy(given)[None]
    y = network.start_image(low)
    noise = torch.zeros_like(y)
    if noisy:
        noise = torch.from_numpy(normal_fields(seed, y.shape[1:], image_key=image_key(given)))[None]
    estimate = lambda x, step: network(x, low, torch.full((1,), step, dtype=torch.long)).clamp(-1, 1)
    found = sampled(estimate, network.schedule.thinned(steps), y, [noise], stochastic=False)[-1]
    return (found[0].numpy() + 1) * ((limits[1] - limits[0]) / 2) + limits[0]


def calor(options: argparse.Namespace, preset, image: np.ndarray, *, noisy: bool, steps: int
          ) -> tuple[np.ndarray, np.ndarray]:
    """What the program makes of a float image, and the limits between which it stretched it."""
    model = options.model or options.out / "exported" / preset.name
    use = "super-resolve" if preset.scale > 1 else "enhance"
    if preset.channels != 1:
        raise SystemExit("only grey models are compared: Pillow writes no float images of three channels")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        Image.fromarray(image[0]).save(folder / "in.tiff")
        rule = "" if preset.scale > 1 else ", no-harm: false"
        (folder / "p.yaml").write_text(
            f"calor: 1\nname: check\ninputs:\n  in: {{ kind: infrared }}\nstages:\n  - out: {{ use: {use}, from: in, "
            f"model: \"{model.resolve()}\", mode: {'texture' if noisy else 'fidelity'}, steps: {steps}{rule} }}\n"
            "outputs:\n  - { from: out, to: \"{stem}.tiff\" }\n")
        subprocess.run([options.calor.resolve(), "run", "p.yaml", "in.tiff", "-o", "out", "--seed", str(options.seed), "--quiet",
                        "--metrics", "m.jsonl"], check=True, cwd=folder)
        found, = (folder / "out").glob("*.tiff")
        stages = json.loads((folder / "m.jsonl").read_text().splitlines()[0])["stages"]
        values = next(stage["values"] for stage in stages if stage["id"] == "out")
        limits = np.array([values["rangeLow"], values["rangeHigh"]], np.float32)
        return np.asarray(Image.open(found), np.float32)[None], limits


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    preset = PRESETS[options.preset]
    network = build_shift(preset).eval()
    network.load_state_dict(average_of(options.out / preset.name / "last.pt"))
    image = scene(*options.side, preset.channels)
    worst = 0.0
    for noisy in (False, True):
        for steps in range(1, len(network.schedule.roots) + 1):
            found, limits = calor(options, preset, image, noisy=noisy, steps=steps)
            expected = reference(network, image, limits, noisy=noisy, steps=steps, seed=options.seed)
            difference = float(np.abs(found - expected).max())
            worst = max(worst, difference)
            print(f"{'texture ' if noisy else 'fidelity'} {steps} steps: {difference:.1e}", flush=True)
    if worst > TOLERANCE:
        sys.exit(f"{worst:.1e} is above {TOLERANCE:.0e}")


if __name__ == "__main__":
    main()
