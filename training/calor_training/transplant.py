"""Starting one network from another that has the same trunk but a different input or output."""

import torch

from .presets import Preset

State = dict[str, torch.Tensor]


def transplanted(state: State, source: Preset, target: Preset) -> State:
    """The weights of `source`, reshaped for `target`; buffers are left out.

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
