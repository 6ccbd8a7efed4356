"""Times a forward and backward pass of a preset's network in each arithmetic, on patches of noise."""

import argparse
import time

import torch

from calor_training import winograd
from calor_training.arithmetic import CHOICES
from calor_training.networks import build
from calor_training.presets import PRESETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", required=True, choices=[p for p in PRESETS if PRESETS[p].purpose != "residual-shift"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    preset = PRESETS[options.preset]
    network = build(preset).to(memory_format=torch.channels_last)
    inputs = torch.rand(preset.batch, preset.channels, preset.patch, preset.patch)
    times = {choice: [] for choice in CHOICES}
    for turn in range(options.turns + 1):
        for choice in CHOICES:
            winograd.use(choice == "winograd")
            began = time.perf_counter()
            network(inputs, half=choice == "bfloat16").square().mean().backward()
            if turn > 0:  # the first one warms up, and compiles
                times[choice].append(time.perf_counter() - began)
    print(f"{preset.name}, {preset.batch} patches of {preset.patch}x{preset.patch}, {options.threads} threads, the best of "
          f"{options.turns}:")
    for choice, taken in times.items():
        print(f"{choice:10} {min(taken):.3f} s")


if __name__ == "__main__":
    main()
