"""Writes MODELS/PRESET/{model.onnx, model.yaml, CARD.md} from a training run, and checks the ONNX file."""

import argparse
import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from calor_training.card import card
from calor_training.networks import build, parameter_count
from calor_training.onnx_graph import onnx_model
from calor_training.presets import PRESETS, Preset
from calor_training.sidecar import sidecar

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-5  # between PyTorch and onnxruntime, in units of the full range


def this_machine() -> str:
    if torch.cuda.is_available():
        return f"one {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} CPU cores with {torch.backends.cpu.get_cpu_capability()} and no GPU"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", required=True, choices=PRESETS)
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs", help="the --out of train.py")
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--quality", type=Path, help="JSON file written by evaluate.py for this model file")
    parser.add_argument("--machine", default=this_machine(), help="where it was trained (default: %(default)s)")
    parser.add_argument("--untrained", action="store_true", help="start weights, to try the file layout")
    return parser.parse_args()


def check_against_torch(path: Path, network: torch.nn.Module, preset: Preset) -> float:
    """Largest difference to PyTorch over awkward sizes."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(7)
    worst = 0.0
    for batch, height, width in [(1, 64, 64), (1, 2, 2), (1, 18, 94), (2, 50, 34), (1, 33, 57)]:
        if preset.multiple == 2:
            height, width = height // 2 * 2, width // 2 * 2
        x = rng.random((batch, preset.channels, height, width), dtype=np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(x)).numpy()
        (found,) = session.run(["output"], {"input": x})
        assert found.shape == expected.shape, (found.shape, expected.shape)
        worst = max(worst, float(np.abs(found - expected).max()))
    assert worst <= TOLERANCE, f"onnxruntime differs from PyTorch by {worst}"
    return worst


def measured_radius(network: torch.nn.Module, preset: Preset) -> int:
    """How far, in input pixels, the gradient of an output pixel really reaches."""
    side = 2 * (network.receptive_radius + 4)
    probe = build(preset).double()
    for parameter in probe.parameters():
        # Equal positive weights, so that nothing cancels; scaled by fan-in, so that nothing vanishes.
        torch.nn.init.constant_(parameter, 1 / parameter[0].numel())
    reach = 0
    for phase in range(2 if preset.multiple == 2 else 1):
        centre = side // 2 // 2 * 2 + phase
        x = torch.full((1, preset.channels, side, side), 0.5, dtype=torch.float64, requires_grad=True)
        output = probe(x)
        output[0, 0, centre * preset.scale, centre * preset.scale].backward()
        touched = x.grad[0].abs().sum(0).nonzero()
        reach = max(reach, int((touched - centre).abs().max()))
    return reach


def main() -> None:
    options = arguments()
    preset = PRESETS[options.preset]
    steps, minutes = 0, 0.0
    torch.manual_seed(preset.seed)
    network = build(preset).eval()
    if not options.untrained:
        path = options.out / preset.name / "last.pt"
        if not path.exists():
            raise SystemExit(f"There is no {path}. Run train.py --preset {preset.name} first, or pass its --out.")
        state = torch.load(path, map_location="cpu", weights_only=True)
        preset = dataclasses.replace(preset, **{k: state["preset"][k] for k in ("seed", "steps", "rate")})
        network.load_state_dict(state["average"])
        steps, minutes = state["step"], state["seconds"] / 60

    folder = options.models / preset.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.onnx"
    onnx.save(onnx_model(network, preset.name, preset.channels), file)
    difference = check_against_torch(file, network, preset)
    reach, radius = measured_radius(network, preset), network.receptive_radius
    assert reach <= radius < reach + preset.multiple, f"receptive field: stated {radius}, measured {reach}"

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    quality = {"sha256": digest, "rows": [], "tables": []}
    if options.quality:
        quality = json.loads(options.quality.read_text())
        if quality["sha256"] != digest:
            raise SystemExit(f"{options.quality} measures another model file. Run evaluate.py on {file} again.")
    if preset.purpose == "super-resolution":
        shutil.copyfile(ROOT / f"training/spectra/ir-x{preset.scale}.json", folder / "spectrum.json")
    facts = dict(radius=radius, parameters=parameter_count(network), steps=steps, minutes=minutes)
    (folder / "model.yaml").write_text(sidecar(preset, digest=digest, quality=quality["rows"], **facts))
    if not options.untrained:
        (folder / "CARD.md").write_text(card(preset, tables=quality["tables"], machine=options.machine, **facts))
    print(f"{file}: {facts['parameters']} parameters, reach {reach}, radius {radius}, "
          f"within {difference:.1e} of PyTorch, sha256 {digest}")


if __name__ == "__main__":
    main()
