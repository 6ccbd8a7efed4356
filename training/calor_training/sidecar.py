"""`model.yaml`: what Calor must know about a model file before it runs it."""

from .presets import Preset

LICENCE = "Apache-2.0 (weights); trained on data with research-only sources, see CARD.md"


def sidecar(preset: Preset, *, digest: str, radius: int, parameters: int, steps: int, minutes: float,
            quality: list[dict]) -> str:
    lines = [
        "calor-model: 1",
        f"name: {preset.name}",
        f"purpose: {preset.purpose}",
        f"kind: {preset.kind}",
        "file: model.onnx",
        f"sha256: {digest}",
        f"scale: {preset.scale}",
        f"channels: {preset.channels}",
        "input: input",
        "output: output",
        "range: [0.0, 1.0]",
        f"multiple: {preset.multiple}",
        f"receptive-field: {radius}",
        "steps: 1",
        *(["spectrum: spectrum.json"] if preset.purpose == "super-resolution" else []),
        f"parameters: {parameters}",
        f"licence: {LICENCE}",
        f"training: {{ recipe: training/train.py --preset {preset.name}, seed: {preset.seed}, steps: {steps}, "
        f"minutes: {minutes:.1f} }}",
    ]
    if not quality:
        return "\n".join([*lines, "quality: []", ""])
    rows = ["  - { " + ", ".join(f"{key}: {value}" for key, value in row.items()) + " }" for row in quality]
    return "\n".join([*lines, "quality:", *rows, ""])
