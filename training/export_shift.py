"""Writes OUT/exported/NAME/{model.onnx, model.yaml, CARD.md, process.json} from a residual-shift run, and checks the ONNX file.

The folder is a model that Calor takes by its path; a super-resolver gets the spectral prior beside it. A distilled student is exported
with `--preset enhance-rgb-distilled --method dynamic --name enhance-rgb-texture`. `process.json` holds the schedule exactly as it was trained: roots, kappa, prediction, and the deviation of the residual.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from calor_training.distillation import METHODS
from calor_training.networks import parameter_count
from calor_training.presets import PRESETS
from calor_training.runs import average_of
from calor_training.shift_card import recipe, shift_card
from calor_training.shift_network import ShiftResolver, build_shift
from calor_training.shift_onnx import shift_model
from calor_training.sidecar import LICENCE
from export import this_machine

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 2e-5  # between PyTorch and onnxruntime, in units of -1…1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="ir-x4-shift",
                        choices=[p for p in PRESETS if PRESETS[p].purpose == "residual-shift"])
    parser.add_argument("--out", type=Path, default=ROOT / "training/runs", help="the --out of train_shift.py")
    parser.add_argument("--method", choices=METHODS, help="of train_distilled.py: export its student")
    parser.add_argument("--name", help="of the model (default: that of the preset)")
    parser.add_argument("--models", type=Path, help="folder for NAME/ (default: OUT/exported)")
    parser.add_argument("--quality", type=Path, help="JSON file written by evaluate_shift.py or scripts/ablation, or by compare_distilled.py for a student")
    parser.add_argument("--machine", default=this_machine(), help="where it was trained (default: %(default)s)")
    return parser.parse_args()


@torch.no_grad()
def difference(path: Path, network: ShiftResolver) -> float:
    """Largest difference to PyTorch over awkward sizes and all steps."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng, worst, scale = np.random.default_rng(7), 0.0, network.scale
    for batch, height, width in [(1, 16, 24), (2, 5, 3), (1, 1, 9)]:
        if scale == 1:
            height, width = height * network.fold, width * network.fold
        small = rng.uniform(-1, 1, (batch, network.channels, height, width)).astype(np.float32)
        state = rng.uniform(-1, 1, (batch, network.channels, height * scale, width * scale)).astype(np.float32)
        for step in range(len(network.schedule.roots)):
            steps = torch.full((batch,), step, dtype=torch.long)
            expected = network(torch.from_numpy(state), torch.from_numpy(small), steps).numpy()
            feed = {"state": state, "image": small, "step": np.array([step], np.int64)}
            worst = max(worst, float(np.abs(session.run(["estimate"], feed)[0] - expected).max()))
    return worst


def sidecar(process: dict, preset, method: str | None) -> str:
    """`model.yaml`: the process as docs/models.md describes it."""
    lines = ["calor-model: 1", f"name: {process['name']}",
             f"purpose: {'super-resolution' if preset.scale > 1 else 'enhancement'}", f"kind: {preset.kind}", "file: model.onnx",
             f"sha256: {process['sha256']}", f"scale: {preset.scale}", f"channels: {preset.channels}", "input: state", "output: estimate",
             "range: [-1.0, 1.0]", f"multiple: {preset.multiple}", f"receptive-field: {process['receptiveField']}"]
    if preset.scale > 1:
        lines.append("spectrum: spectrum.json")
    lines += ["sampler:", f"  kappa: {process['kappa']}", f"  roots: [{', '.join(repr(float(q)) for q in process['roots'])}]",
              *(["  steps: 1"] if method and not METHODS[method].phased else []),
              "  prediction: start", "  input-scaling: none", f"  residual-deviation: {process['residualDeviation']}",
              "  deterministic: true", "  state: state", "  low: image", "  step: step", "  enlargement: keys-edge",
              f"parameters: {process['parameters']}", f"licence: {LICENCE}", ""]
    return "\n".join(lines)


def main() -> None:
    options = arguments()
    preset = PRESETS[options.preset]
    path = options.out / (f"{preset.name}-{options.method}" if options.method else preset.name) / "last.pt"
    if not path.exists():
        raise SystemExit(f"There is no {path}. Train it with {recipe(preset, options.method, {})} first.")
    name = options.name or preset.name
    network = build_shift(preset).eval()
    network.load_state_dict(average_of(path))
    folder = (options.models or options.out / "exported") / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.onnx"
    onnx.save(shift_model(network, name), file)
    worst = difference(file, network)
    assert worst <= TOLERANCE, f"onnxruntime differs from PyTorch by {worst}"
    schedule = network.schedule
    process = {"name": name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "scale": preset.scale,
               "roots": schedule.roots, "kappa": schedule.kappa, "prediction": "start", "range": [-1, 1],
               "residualDeviation": network.deviation, "receptiveField": network.receptive_radius,
               "parameters": parameter_count(network)}
    (folder / "process.json").write_text(json.dumps(process, indent=1) + "\n")
    (folder / "model.yaml").write_text(sidecar(process, preset, options.method))
    state = torch.load(path, map_location="cpu", weights_only=True)
    tables = json.loads(options.quality.read_text()) if options.quality else []
    (folder / "CARD.md").write_text(shift_card(
        preset, name=name, method=options.method, recipe=recipe(preset, options.method, state.get("settings", {})), trained=state["preset"],
        tables=tables["tables"][options.method] if isinstance(tables, dict) else tables, radius=network.receptive_radius,
        parameters=process["parameters"], steps=state["step"], minutes=state["seconds"] / 60, kappa=schedule.kappa,
        roots=schedule.roots, machine=options.machine))
    if preset.scale > 1:
        shutil.copyfile(ROOT / f"training/spectra/ir-x{preset.scale}.json", folder / "spectrum.json")
    print(f"{file}: {process['parameters']} parameters, radius {network.receptive_radius}, within {worst:.1e} of PyTorch")


if __name__ == "__main__":
    main()
