"""Measures a model on the test sets and writes the figures as JSON.

Convention: the result is rounded to 8 bit, 4 pixels are shaved from each side, PSNR and SSIM are means over the
images of a set. The baseline is bicubic enlargement, or the damaged image itself.
"""

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from calor_training.benchmarks import Benchmark, benchmarks
from calor_training.degradations import as_bytes
from calor_training.images import resized
from calor_training.metrics import luma, psnr, ssim
from calor_training.networks import build
from calor_training.noise import normal_field
from calor_training.presets import PRESETS, Preset
from calor_training.runs import average_of
from calor_training.samplers import sampled
from calor_training.shift_network import build_shift
from calor_training.shifting import Schedule

ROOT = Path(__file__).resolve().parent.parent
Runner = Callable[[np.ndarray], np.ndarray]  # [1, c, h, w] in 0…1 to the same


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", required=True, choices=PRESETS)
    parser.add_argument("--model", type=Path, help="ONNX file (default: models/PRESET/model.onnx)")
    parser.add_argument("--checkpoint", type=Path, help="measure this last.pt with PyTorch instead of an ONNX file")
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with train/ and test/")
    parser.add_argument("--process-steps", type=int, default=1, help="of a residual-shift checkpoint")
    parser.add_argument("--noise", action="store_true", help="start a residual-shift process with noise")
    parser.add_argument("--json", type=Path, help="where to write the figures, for export.py --quality")
    parser.add_argument("--more", type=Path, help="a folder of clean pictures: one more set, named like the folder")
    parser.add_argument("--sets", default="", help="measure only sets whose name contains this")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def onnx_runner(path: Path, threads: int) -> Runner:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["output"], {"input": x})[0]


def torch_runner(path: Path, preset: Preset, steps: int, noisy: bool) -> Runner:
    if preset.purpose == "residual-shift":
        return shift_runner(path, preset, steps, noisy)
    network = build(preset).eval()
    network.load_state_dict(average_of(path))

    def run(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(x)).numpy()

    return run


def shift_runner(path: Path, preset: Preset, steps: int, noisy: bool) -> Runner:
    network = build_shift(preset).eval()
    network.load_state_dict(average_of(path))
    return process_runner(network, network.schedule.thinned(steps), noisy)


def process_runner(network: torch.nn.Module, schedule: Schedule, noisy: bool) -> Runner:
    """The deterministic sampler, with the same noise for every image or without any."""

    @torch.no_grad()
    def run(x: np.ndarray) -> np.ndarray:
        given = torch.from_numpy(x) * 2 - 1
        y = network.start_image(given)
        noise = torch.zeros_like(y)
        if noisy:
            for channel in range(y.shape[1]):
                noise[0, channel] = torch.from_numpy(normal_field(channel, 0, *y.shape[2:]).astype(np.float32))
        states = sampled(lambda x, step: network(x, given, torch.tensor([step])), schedule, y, [noise], stochastic=False)
        return (states[-1].numpy() + 1) / 2

    return run


def restored(image: np.ndarray, preset: Preset, runner: Runner) -> np.ndarray:
    """Bytes [h, w, c] to bytes; sides are first made even, where the network needs that, by repeating the edge."""
    height, width = image.shape[:2]
    padding = [(0, -side % preset.multiple) for side in (height, width)] + [(0, 0)]
    padded = np.pad(image, padding, mode="edge").astype(np.float32) / 255
    output = runner(np.ascontiguousarray(padded.transpose(2, 0, 1))[None])[0].transpose(1, 2, 0)
    return as_bytes(output[: height * preset.scale, : width * preset.scale] * 255)


def baseline(image: np.ndarray, preset: Preset) -> np.ndarray:
    """The damaged image itself, or its bicubic enlargement in floats (bytes would be rounded between the passes)."""
    if preset.scale == 1:
        return image
    height, width = (side * preset.scale for side in image.shape[:2])
    return as_bytes(resized(image[..., 0].astype(np.float32), width, height))[..., None]


def scores(found: np.ndarray, target: np.ndarray) -> dict[str, float]:
    if target.shape[2] == 1:
        return {"psnr-grey": psnr(found, target), "ssim-grey": ssim(found[..., 0], target[..., 0])}
    return {"psnr-rgb": psnr(found, target), "psnr-luma": psnr(luma(found), luma(target)),
            "ssim-luma": ssim(luma(found), luma(target))}


def measured(benchmark: Benchmark, preset: Preset, runner: Runner) -> dict:
    model, plain = [], []
    for image, target in benchmark.pairs():
        model.append(scores(restored(image, preset, runner), target))
        plain.append(scores(baseline(image, preset), target))
    metrics = {}
    for metric in model[0]:
        value, base = (float(np.mean([s[metric] for s in side])) for side in (model, plain))
        finite = np.isfinite(base) and not benchmark.name.endswith("+clean")
        metrics[metric] = {"value": value, "baseline": base if finite else None}
    return {"set": benchmark.name, "images": len(model), "metrics": metrics}


def sidecar_rows(tables: list[dict], preset: Preset) -> list[dict]:
    """PSNR of each set, with the baseline under the name of what it is."""
    base = "bicubic" if preset.scale > 1 else "damaged"
    rows = []
    for table in tables:
        for metric, figures in table["metrics"].items():
            if metric.startswith("psnr"):
                row = {"set": table["set"], "metric": metric, "value": round(figures["value"], 2)}
                if figures["baseline"] is not None:
                    row[base] = round(figures["baseline"], 2)
                rows.append(row)
    return rows


def main() -> None:
    options = arguments()
    preset = PRESETS[options.preset]
    torch.set_num_threads(options.threads)
    path = options.checkpoint or options.model or ROOT / "models" / preset.name / "model.onnx"
    if not path.exists():
        raise SystemExit(f"There is no {path}. Write it with export.py --preset {preset.name}, or pass --model.")
    runner = torch_runner(path, preset, options.process_steps, options.noise) if options.checkpoint else onnx_runner(path, options.threads)
    tables = []
    for benchmark in benchmarks(preset, options.data, options.more):
        if options.sets in benchmark.name:
            tables.append(measured(benchmark, preset, runner))
            print(tables[-1]["set"], *(
                f"{metric} {f['value']:.4f}" + ("" if f["baseline"] is None else f" (from {f['baseline']:.4f})")
                for metric, f in tables[-1]["metrics"].items()), sep="  ", flush=True)
    if options.json:
        result = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "rows": sidecar_rows(tables, preset),
                  "tables": tables}
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
