"""Starting one network from another: with another input or output, or grown in width and depth."""

import re
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .presets import PRESETS, Preset

State = dict[str, torch.Tensor]
ORDINAL = re.compile("-(first|second|third|fourth|fifth)$")  # presets whose weights were the start of the one that is bundled
BUNDLED = Path(__file__).resolve().parents[2] / "models"


def transplanted(state: State, source: Preset, target: Preset) -> State:
    """The weights of `source`, reshaped for `target` of the same width and depth; buffers are left out.

    Between scales, the phases of the output are averaged to the coarser grid. From colour to grey, the result is the
    colour network on three equal channels, averaged over its three results.
    """
    weights = {k: v.clone() for k, v in state.items() if k.startswith(("trunk.", "head."))}
    for name in ("head.weight", "head.bias"):
        if source.scale != target.scale:
            weights[name] = averaged_phases(weights[name], source.scale, target.scale)
        elif source.channels != target.channels:
            weights[name] = weights[name].unflatten(0, (source.channels, 4)).mean(0)
    if source.channels != target.channels:
        weights["trunk.entry.weight"] = weights["trunk.entry.weight"].sum(1, keepdim=True)
    return weights


def averaged_phases(head: torch.Tensor, fine: int, coarse: int) -> torch.Tensor:
    """[fine², …] to [coarse², …]."""
    ratio = fine // coarse
    return head.unflatten(0, (coarse, ratio, coarse, ratio)).mean((1, 3)).flatten(0, 1)


@torch.no_grad()
def grow(network: nn.Module, weights: State) -> None:
    """Puts the weights of a narrower, shallower network into `network` so that the result computes the same.

    New channels start from `network`'s own random weights but nothing old reads them yet; new blocks go in between
    the old ones, with a second convolution of zero.
    """
    old_blocks = 1 + max(int(k.split(".")[2]) for k in weights if k.startswith("trunk.blocks."))
    blocks = len(network.trunk.blocks)
    # Where each old block goes: spread evenly, the first one first.
    places = {f"trunk.blocks.{i * blocks // old_blocks}.": f"trunk.blocks.{i}." for i in range(old_blocks)}
    for name, parameter in network.named_parameters():
        prefix = ".".join(name.split(".")[:3]) + "."
        if name.startswith("trunk.blocks.") and prefix not in places:
            if ".second." in name:
                parameter.zero_()
            continue
        old = weights[name.replace(prefix, places[prefix]) if prefix in places else name]
        if parameter.ndim == 1:
            parameter[: old.shape[0]] = old
            continue
        rows, columns = old.shape[:2]
        parameter[:rows, :columns] = old
        parameter[:rows, columns:] = 0


def start_state(preset: Preset, out: Path) -> tuple[Path, State]:
    """Weights of the preset named in `start_from` and where they are from: its run in `out`, or else the bundled model
    that came of it, whose name lacks the ordinal at the end."""
    name = preset.start_from
    path, exported = out / name / "last.pt", BUNDLED / ORDINAL.sub("", name) / "model.onnx"
    if path.exists():
        state = torch.load(path, map_location="cpu", weights_only=True)
        print(f"starting from {path}, step {state['step']} of {state['preset']['steps']}", flush=True)
        return path, state["average"]
    if exported.exists():
        weights = weights_of_onnx(exported)
        # A descendant may have grown.
        if blocks_in(weights) == PRESETS[name].blocks:
            print(f"starting from {exported}", flush=True)
            return exported, weights
    raise SystemExit(f"{preset.name} starts from {name}, but there is no {path}. Train that one first.")


def blocks_in(weights: State) -> int:
    return len({name.split(".")[2] for name in weights if name.startswith("trunk.blocks.")})


def weights_of_onnx(path) -> State:
    """The weights of a super-resolver or enhancer that `export.py` wrote, under PyTorch's names."""
    import onnx
    from onnx import numpy_helper

    state = {}
    for tensor in onnx.load(path).graph.initializer:
        parts = tensor.name.split(".")
        if parts[0] == "bicubic":
            continue
        if parts[0].startswith("block"):
            parts = ["trunk", "blocks", parts[0].removeprefix("block"), *parts[1:]]
        elif parts[0] in ("entry", "exit"):
            parts = ["trunk", *parts]
        state[".".join(parts)] = torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
    return state
